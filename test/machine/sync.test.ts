import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startMachine } from "./support/machine";

describe("sync", () => {
  it("serves the first bundle from nothing, and the next one without a restart of nginx", async () => {
    await using machine = await startMachine();
    const [first, second] = [machine.stack.bundle(), machine.stack.bundle({ limits: { bodyMegabytes: 7 } })];
    const line = await machine.follow(first);
    assert.deepEqual([line.outcome, line.served], ["switched", first.version]);
    assert.equal((await machine.status()).bundleVersion, first.version);
    const again = await machine.follow(second);
    assert.deepEqual([again.outcome, again.served, machine.nginx.starts], ["switched", second.version, 1]);
    assert.equal((await machine.status()).bundleVersion, second.version);
    assert.ok(
      !existsSync(join(machine.run, "bundles", first.version)) || (await machine.sync()).outcome === "unchanged",
    );
    assert.ok(!existsSync(join(machine.run, "bundles", first.version)), "what is not served is taken away");
  });

  it("only describes the secret while nothing changes", async () => {
    await using machine = await startMachine();
    await machine.follow(machine.stack.bundle());
    machine.aws.asked.length = 0;
    const line = await machine.sync();
    assert.equal(line.outcome, "unchanged");
    assert.deepEqual(machine.aws.asked, ["DescribeSecret"]);
  });
});
