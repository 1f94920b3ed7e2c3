import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MACHINE_METRICS } from "@app-builder-mtls/proxy";
import { until } from "../support/until";
import { ask, startMachine, type TestMachine } from "./support/machine";
import { LOG_GROUP, NAMESPACE, reporting, type SenderUnit, superviseSender } from "./support/sender";

const SENT_MS = 60_000;

interface Scene extends AsyncDisposable {
  machine: TestMachine;
  sender: SenderUnit;
  /** Calls the proxy so often, each time with another path; the paths. */
  call(count: number): Promise<string[]>;
  /** The lines that AWS has, of the calls alone. */
  arrived(): string[];
}

async function sendingMachine(options?: Parameters<typeof startMachine>[0]): Promise<Scene> {
  const machine = await startMachine(options);
  machine.aws.cloudWatch.groups.set(LOG_GROUP, new Map());
  const line = await machine.follow(reporting(machine));
  assert.equal(line.outcome, "switched", JSON.stringify(line));
  const sender = superviseSender(machine);
  const client = await machine.stack.client("app-builder");
  let calls = 0;
  return {
    machine,
    sender,
    call: async (count) => {
      const paths = Array.from({ length: count }, () => `/call-${++calls}`);
      for (const path of paths) await ask(machine.port, `${path}?token=s3cret`, machine.stack.ca, client);
      return paths;
    },
    arrived: () =>
      machine.aws.cloudWatch
        .lines(LOG_GROUP)
        .map((text) => /"path":"(\/call-\d+)"/.exec(text)?.[1] ?? "")
        .filter((path) => path !== ""),
    [Symbol.asyncDispose]: async () => {
      await sender[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
    },
  };
}

describe("the sender", function () {
  this.timeout(300_000);

  it("sends each line of the access log once, as nginx wrote it, into a stream of the machine's own", async () => {
    await using scene = await sendingMachine();
    const { machine } = scene;
    const paths = await scene.call(30);
    await until(() => scene.arrived().length >= paths.length, SENT_MS);
    const more = await scene.call(5);
    await until(() => scene.arrived().length >= paths.length + more.length, SENT_MS);
    assert.deepEqual(scene.arrived(), [...paths, ...more]);
    assert.deepEqual([...(machine.aws.cloudWatch.groups.get(LOG_GROUP)?.keys() ?? [])], ["i-0123456789abcdef0"]);
    const logged = readFileSync(join(machine.run, "logs/access.log"), "utf8").trim().split("\n");
    assert.deepEqual(
      machine.aws.cloudWatch.lines(LOG_GROUP),
      logged.slice(0, machine.aws.cloudWatch.lines(LOG_GROUP).length),
    );
    assert.deepEqual(scene.sender.journal, [{ outcome: "sending" }]);
  });

  it("sends the numbers that proxy/machine/metrics.ts names", async () => {
    await using scene = await sendingMachine();
    const { numbers } = scene.machine.aws.cloudWatch;
    await until(() => numbers.length > 0, SENT_MS);
    const [first] = numbers;
    assert.equal(first?.namespace, NAMESPACE);
    assert.deepEqual(first?.units, Object.fromEntries(MACHINE_METRICS.map(({ name, unit }) => [name, unit])));
  });
});
