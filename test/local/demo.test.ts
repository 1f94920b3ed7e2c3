import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { finished, run } from "../support/commandLine";

const leftovers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("mtls-proxy-demo-"));

describe("npm start", function () {
  this.timeout(120_000);

  it("tells the story, ends with 0 and leaves nothing behind", async () => {
    const before = await leftovers();
    const { exit, stdout } = await finished(run("npm", ["start", "--silent"]));
    assert.equal(exit, 0);
    assert.match(stdout, /with its client certificate +200 \{"stock":42,"path":"\/stock\/4711\?warehouse=basel"\}/);
    assert.match(stdout, /without a certificate +403 client_certificate_required/);
    assert.match(stdout, /with a stranger's certificate +403 client_certificate_rejected/);
    assert.match(stdout, /with an unlisted client's +403 client_not_listed/);
    assert.match(stdout, /What the backend saw +GET \/stock\/4711\?warehouse=basel from app-builder\n/);
    assert.ok(stdout.split("\n").length < 20, "the story fits a terminal");
    assert.deepEqual(await leftovers(), before);
  });

  it("stays up with --keep until Ctrl-C", async () => {
    await using demo = run(process.execPath, ["--import", "tsx", "demo/start.ts", "--keep"]);
    await demo.says("Stays up until Ctrl-C");
    demo.signal("SIGINT");
    assert.equal(await demo.ended, 0);
    assert.doesNotMatch(demo.stderr, /Error/);
  });
});
