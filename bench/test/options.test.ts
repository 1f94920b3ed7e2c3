import assert from "node:assert/strict";
import { HELP, optionsOf, UsageError } from "../options";

describe("npm run bench", () => {
  it("takes the parts to measure", () => {
    assert.deepEqual(optionsOf(["--quick", "--only", "warm", "--only", "idle"]).only, ["warm", "idle"]);
  });

  for (const args of [
    ["--write", "--quick"],
    ["--write", "--only", "warm"],
    ["--write", "--partial"],
  ]) {
    it(`refuses ${args.join(" ")}: what is committed comes from one whole run`, () => {
      assert.throws(() => optionsOf(args), UsageError);
    });
  }

  it("refuses a run to compare with when nothing is compared", () => {
    assert.equal(optionsOf(["--check", "--against", "mine.json"]).against, "mine.json");
    assert.throws(() => optionsOf(["--against", "mine.json"]), /say both/);
  });

  it("refuses what it does not know, and says what there is", () => {
    assert.throws(() => optionsOf(["--only", "cold"]), /warm, handshakes/);
    assert.throws(() => optionsOf(["--slow"]), /--help/);
  });

  it("explains every option", () => {
    for (const option of Object.keys(optionsOf([]))) assert.ok(HELP.includes(`--${option}`), option);
  });
});
