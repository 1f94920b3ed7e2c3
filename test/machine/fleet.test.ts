import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { packBundle } from "@app-builder-mtls/proxy";
import { startBackend } from "../support/backend";
import { until } from "../support/until";
import { startMachine, type TestMachine } from "./support/machine";
import { FLEET_FILES, GROUP, type MemberTimes, startMember } from "./support/member";
import { refusal } from "./support/secretsManager";

/** The id is what the emulated metadata service gives. */
const done = (hook: string) => ({
  group: GROUP.autoScalingGroup,
  hook,
  instance: "i-0123456789abcdef0",
  result: "CONTINUE",
});
const QUICK: MemberTimes = { look: 0.1, unheard: 1, waiting: 900 };
const LIMIT_MS = 30_000;

const ready = ({ run }: TestMachine): string[] =>
  readdirSync(join(run, "state")).filter((name) => name.endsWith(".ready"));

/** A machine with a group, on the fleet's bundle. */
async function serving(settings: Record<string, unknown> = {}): Promise<TestMachine> {
  const machine = await startMachine({ settings });
  machine.aws.lifecycleState = "InService";
  assert.equal((await machine.follow(machine.stack.bundle({}, FLEET_FILES))).outcome, "switched");
  return machine;
}

/** The program has looked at its state so often again. */
async function looks({ aws }: TestMachine, more: number): Promise<void> {
  const last = aws.looks + more;
  await until(() => aws.looks >= last, LIMIT_MS);
}

describe("a machine in a fleet", function () {
  this.timeout(180_000);

  it("is ready once sync has proven the version that nginx has loaded, and stays so when the next one is bad", async () => {
    await using machine = await startMachine();
    assert.deepEqual(ready(machine), []);
    const good = machine.stack.bundle({}, FLEET_FILES);
    await machine.follow(good);
    assert.deepEqual(ready(machine), [`${good.version}.ready`]);
    const { outcome } = await machine.follow(machine.stack.bundle({}, { ...FLEET_FILES, "tls.conf": "nonsense;\n" }));
    assert.equal(outcome, "kept");
    assert.deepEqual(ready(machine), [`${good.version}.ready`]);
    const next = machine.stack.bundle({ limits: { bodyMegabytes: 3 } }, FLEET_FILES);
    await machine.follow(next);
    await machine.sync();
    assert.deepEqual(ready(machine), [`${next.version}.ready`]);
  });

  it("is not ready with a bundle that nginx does not serve", async () => {
    await using machine = await startMachine();
    machine.nginx.masked = true;
    assert.equal((await machine.follow(machine.stack.bundle({}, FLEET_FILES))).problem?.code, "not_served");
    assert.deepEqual(ready(machine), []);
  });

  it("tells its group once that it serves", async () => {
    await using machine = await serving();
    {
      await using member = startMember(machine, QUICK);
      await member.says("joined");
    }
    assert.deepEqual(machine.aws.completed, [done("serving")]);
    await using again = startMember(machine, QUICK);
    await looks(machine, 3);
    assert.deepEqual(again.lines, []);
    assert.deepEqual(machine.aws.completed, [done("serving")]);
  });

  it("tells its group nothing while the bundle is laid and not proven", async () => {
    await using machine = await startMachine();
    machine.aws.lifecycleState = "InService";
    machine.nginx.masked = true;
    const bundle = machine.stack.bundle({}, FLEET_FILES);
    machine.aws.put(packBundle(bundle));
    const syncing = machine.sync();
    await until(() => existsSync(join(machine.run, "current/fleet.json")), LIMIT_MS);
    await using member = startMember(machine, QUICK);
    await looks(machine, 3);
    assert.equal((await syncing).problem?.code, "not_served");
    assert.equal(await member.ended, 0, "there is no bundle any more");
    assert.deepEqual(machine.aws.completed, []);
  });

  it("tells it again until AWS takes it, and says in the journal why it did not", async () => {
    await using machine = await serving();
    machine.aws.fault = refusal(500, "InternalFailure");
    await using member = startMember(machine, QUICK);
    assert.equal((await member.says("failed")).problem?.code, "hook_refused");
    machine.aws.fault = (incoming) => incoming.socket.destroy();
    await until(() => member.lines.some(({ problem }) => problem?.code === "aws_unreachable"), LIMIT_MS);
    machine.aws.fault = undefined;
    machine.aws.groupWaits = false;
    await until(() => member.lines.at(-1)?.problem?.code === "hook_refused", LIMIT_MS);
    await looks(machine, 3);
    assert.equal(member.lines.filter(({ outcome }) => outcome === "failed").length, 3, "each reason is said once");
    machine.aws.groupWaits = true;
    await member.says("joined");
    assert.deepEqual(machine.aws.completed, [done("serving")]);
  });

  it("asks no more when its group has not waited for a quarter of an hour: it was told before a reboot", async () => {
    await using machine = await serving();
    machine.aws.groupWaits = false;
    await using member = startMember(machine, { ...QUICK, waiting: 0 });
    await member.says("joined");
    const asked = machine.aws.asked.length;
    await looks(machine, 3);
    assert.equal(machine.aws.asked.length, asked);
  });

  it("leaves in order: it is not ready, is still there for those who are sent, ends what it has begun, and tells its group", async () => {
    await using backend = await startBackend({
      respond: (_, response) => void setTimeout(() => response.end("slow"), 4_000),
    });
    const destination = { name: "slow", url: backend.url, ca: backend.ca };
    await using machine = await serving({ destinations: [destination] });
    const ask = await askerOf(machine);
    await using member = startMember(machine, { ...QUICK, unheard: 3 });
    await member.says("joined");
    machine.aws.lifecycleState = "Terminated";
    await member.says("leaving");
    await until(() => ready(machine).length === 0, LIMIT_MS);
    assert.equal((await machine.sync()).outcome, "leaving");
    assert.deepEqual(ready(machine), [], "sync does not make it ready again");
    const sent = ask();
    await until(() => machine.nginx.masked, LIMIT_MS);
    assert.deepEqual(machine.aws.completed, [done("serving")], "not before nginx has ended");
    assert.equal(await sent, "slow");
    await member.says("left");
    assert.equal(machine.nginx.pid, undefined);
    await looks(machine, 3);
    assert.deepEqual(machine.aws.completed, [done("serving"), done("draining")]);
  });

  it("leaves in order too when AWS is away meanwhile, and when the program is killed on the way", async () => {
    await using machine = await serving();
    {
      await using member = startMember(machine, { ...QUICK, unheard: 60 });
      await member.says("joined");
      machine.aws.lifecycleState = "Terminated";
      await member.says("leaving");
    }
    machine.aws.fault = (incoming) => incoming.socket.destroy();
    await using member = startMember(machine, QUICK);
    await member.says("failed");
    assert.deepEqual(ready(machine), []);
    assert.equal(machine.nginx.pid, undefined, "nginx does not wait for AWS");
    machine.aws.fault = undefined;
    await member.says("left");
    assert.deepEqual(machine.aws.completed, [done("serving"), done("draining")]);
  });
});

describe("a single machine", () => {
  it("has nothing of a fleet: the program ends at once and asks AWS nothing", async () => {
    await using machine = await startMachine();
    await machine.follow(machine.stack.bundle());
    machine.aws.asked.length = 0;
    await using member = startMember(machine, QUICK);
    assert.equal(await member.ended, 0);
    assert.deepEqual([member.lines, machine.aws.asked], [[], []]);
  });
});

/** Asks the destination over a connection of its own. */
async function askerOf({ port, stack }: TestMachine): Promise<() => Promise<string>> {
  const client = await stack.client("app-builder");
  return () =>
    new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port, path: "/x", ca: stack.ca.cert, ...client, agent: false };
      request(options, (response) => text(response).then(resolve, reject))
        .on("error", reject)
        .end();
    });
}
