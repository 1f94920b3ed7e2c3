import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Bundle, packBundle } from "@app-builder-mtls/proxy";
import { SYNC, startMachine, type TestMachine } from "./support/machine";

const KILLED_AT = join(__dirname, "support/killed_at.py");
const LIMIT_MS = 1_200_000;

describe("sync killed with -9", function () {
  this.timeout(LIMIT_MS);

  it("at any step leaves a proxy that serves, and the next run ends what it began", async () => {
    await using machine = await startMachine();
    const bundles = [3, 4].map((bodyMegabytes) => machine.stack.bundle({ limits: { bodyMegabytes } })) as [
      Bundle,
      Bundle,
    ];
    await machine.follow(bundles[0]);
    machine.aws.put(packBundle(bundles[1]));
    const steps = await countSteps(machine);
    assert.ok(steps > 100, `${steps} steps`);
    for (let step = 1; step <= steps; step++) {
      const [old, next] = step % 2 === 1 ? [bundles[1], bundles[0]] : bundles;
      machine.aws.put(packBundle(next));
      await killedAt(machine, step);
      const { bundleVersion } = await machine.status();
      assert.ok([old.version, next.version].includes(bundleVersion), `step ${step}: ${bundleVersion} serves`);
      const line = await machine.sync();
      assert.deepEqual([line.served, line.problem], [next.version, undefined], `step ${step}: ${JSON.stringify(line)}`);
      assert.equal((await machine.status()).bundleVersion, next.version, `step ${step}`);
      assert.deepEqual(
        readdirSync(machine.run).filter((name) => /^test\.|coming/.test(name)),
        [],
        `step ${step}`,
      );
    }
    assert.equal(machine.nginx.starts, 1);
  });

  it("at any step of the first run leaves a machine that the next run brings up", async () => {
    for (let step = 1; ; step += 5) {
      await using machine = await startMachine();
      const bundle = machine.stack.bundle();
      machine.aws.put(packBundle(bundle));
      const isKilled = await killedAt(machine, step);
      const line = await machine.sync();
      assert.deepEqual([line.served, line.problem], [bundle.version, undefined], `step ${step}`);
      if (!isKilled) break;
    }
  });
});

async function countSteps(machine: TestMachine): Promise<number> {
  const child = machine.startSync({}, ["python3", KILLED_AT, SYNC, "0"]);
  if (!child.stderr) throw new Error("no output");
  const [count] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return Number(count);
}

async function killedAt(machine: TestMachine, step: number): Promise<boolean> {
  const child = machine.startSync({}, ["python3", KILLED_AT, SYNC, String(step)]);
  const [, signal] = await once(child, "exit");
  return signal === "SIGKILL";
}
