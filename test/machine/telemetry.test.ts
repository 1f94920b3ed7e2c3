import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { MACHINE_METRICS, telemetryFiles } from "@app-builder-mtls/proxy";
import { DAY_MS } from "../support/certificates";
import { sideBySide } from "../support/sideBySide";
import { until } from "../support/until";
import { ask, startMachine, type TestMachine } from "./support/machine";
import { type Fault, refusal } from "./support/secretsManager";
import { LOG_GROUP, NAMESPACE, reporting, type SenderUnit, superviseSender } from "./support/sender";

/** The sender's longest pause, twice, and for a busy machine some more. */
const SENT_MS = 180_000;
/** Most of its time a test waits for the next turn of its sender, 5 s, or for the next numbers, a minute. */
const AT_ONCE = 8;
const QUERY = "token=never-to-be-sent";

interface Scene extends AsyncDisposable {
  machine: TestMachine;
  sender: SenderUnit;
  log: string;
  /** Calls the proxy so often, each time with another path; the paths. */
  call(count: number): Promise<string[]>;
  /** Paths of the calls whose lines AWS has, in its order. */
  arrived(group?: string): string[];
  /** Waits until so many of the calls have arrived. */
  arrive(count: number): Promise<void>;
  /** The numbers that are sent by a sender just started. */
  numbers(): Promise<Record<string, number>>;
  /** What logrotate does: older files move on, all but the last are packed, nginx opens a new one, which the sender finds unless it sleeps. */
  rotate(options?: { asleep: boolean }): Promise<void>;
}

/**
 * A machine that serves a bundle which says where to send, and the sender of that bundle.
 * @param state what the sender remembers of before; @param fault what its calls meet from the first one on
 */
async function sendingMachine({ state, fault }: { state?: string; fault?: Fault } = {}): Promise<Scene> {
  const machine = await startMachine();
  const { cloudWatch } = machine.aws;
  machine.aws.watchingFault = fault;
  cloudWatch.groups.set(LOG_GROUP, new Map());
  const line = await machine.follow(reporting(machine));
  assert.equal(line.outcome, "switched", JSON.stringify(line));
  const sender = superviseSender(machine, state);
  const client = await machine.stack.client("app-builder");
  const log = join(machine.run, "logs/access.log");
  let calls = 0;
  const scene: Scene = {
    machine,
    sender,
    log,
    call: async (count) => {
      const paths = Array.from({ length: count }, () => `/call-${++calls}`);
      for (const path of paths) await ask(machine.port, `${path}?${QUERY}`, machine.stack.ca, client);
      return paths;
    },
    arrived: (group = LOG_GROUP) =>
      cloudWatch.lines(group).flatMap((text) => /"path":"(\/call-\d+)"/.exec(text)?.[1] ?? []),
    arrive: (count) => until(() => scene.arrived().length >= count, SENT_MS),
    numbers: async () => {
      await sender.stop();
      const before = cloudWatch.numbers.length;
      sender.start();
      await until(() => cloudWatch.numbers.length > before, SENT_MS);
      return cloudWatch.numbers[before]?.values ?? {};
    },
    rotate: async ({ asleep } = { asleep: false }) => {
      if (existsSync(`${log}.2`)) rmSync(`${log}.2`);
      if (existsSync(`${log}.1`)) renameSync(`${log}.1`, `${log}.2`);
      renameSync(log, `${log}.1`);
      process.kill(machine.nginx.pid ?? 0, "SIGUSR1");
      await until(() => existsSync(log), SENT_MS);
      await until(() => asleep || sender.pid === undefined || holds(sender.pid, log), SENT_MS);
      if (existsSync(`${log}.2`)) execFileSync("gzip", ["-f", `${log}.2`]);
    },
    [Symbol.asyncDispose]: async () => {
      await sender[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
    },
  };
  return scene;
}

/** Whether a process has a file open. */
function holds(pid: number, path: string): boolean {
  const inode = (at: string) => statSync(at, { throwIfNoEntry: false })?.ino;
  const open = existsSync(`/proc/${pid}/fd`) ? readdirSync(`/proc/${pid}/fd`) : [];
  return open.some((descriptor) => inode(`/proc/${pid}/fd/${descriptor}`) === inode(path));
}

/** A line as nginx writes it, of a request that never was. */
const lineAt = (time: Date, more = ""): string =>
  `{"time":"${time.toISOString().replace(/\.\d+Z/, "+00:00")}","more":"${more}"}\n`;

describe("the sender", function () {
  this.timeout(600_000);
  const sending = sideBySide(AT_ONCE);

  describe("measures numbers that", () => {
    sending("are those of proxy/machine/metrics.ts, each minute, in the bundle's namespace", async () => {
      await using scene = await sendingMachine();
      const { numbers } = scene.machine.aws.cloudWatch;
      await until(() => numbers.length >= 2, SENT_MS);
      for (const { namespace, units } of numbers) {
        assert.equal(namespace, NAMESPACE);
        assert.deepEqual(units, Object.fromEntries(MACHINE_METRICS.map(({ name, unit }) => [name, unit])));
      }
      const { MemoryUsedPercent, DiskUsedPercent, ...certain } = numbers.at(-1)?.values ?? {};
      assert.deepEqual(certain, {
        Serving: 1,
        SyncFailing: 0,
        BundleCurrent: 1,
        ServerCertificateDaysLeft: 364,
        LogLinesLost: 0,
      });
      const free = execFileSync("free", ["--bytes"], { encoding: "utf8" });
      const [total = 0, , , , , available = 0] = /Mem:(.*)/.exec(free)?.[1]?.trim().split(/\s+/).map(Number) ?? [];
      assert.ok(Math.abs((MemoryUsedPercent ?? -100) - 100 * (1 - available / total)) < 20, `${MemoryUsedPercent} %`);
      const used = Number.parseInt(
        execFileSync("df", ["--output=pcent", "/"], { encoding: "utf8" }).split("\n")[1] ?? "",
        10,
      );
      assert.ok(Math.abs((DiskUsedPercent ?? -100) - used) <= 2, `${DiskUsedPercent} %, and df says ${used}`);
    });

    sending("tell that sync fails, and that another bundle is wanted, while the old one serves", async () => {
      await using scene = await sendingMachine();
      const { machine } = scene;
      await machine.follow(machine.stack.bundle({}, { "limits.conf": "wrong;\n" }));
      const { Serving, SyncFailing, BundleCurrent } = await scene.numbers();
      assert.deepEqual({ Serving, SyncFailing, BundleCurrent }, { Serving: 1, SyncFailing: 1, BundleCurrent: 0 });
    });

    sending("tell that sync reports no more", async () => {
      await using scene = await sendingMachine();
      const { machine } = scene;
      const [ago, report] = [Date.now() / 1_000 - 301, join(machine.run, "state", `${machine.current()}.json`)];
      utimesSync(report, ago, ago);
      assert.equal((await scene.numbers()).SyncFailing, 1);
      rmSync(report);
      const { SyncFailing, ServerCertificateDaysLeft } = await scene.numbers();
      assert.deepEqual([SyncFailing, ServerCertificateDaysLeft], [1, undefined], "what is not known is not sent");
    });

    sending("tell that nginx is dead", async () => {
      await using scene = await sendingMachine();
      scene.machine.nginx.masked = true;
      await scene.machine.nginx.kill();
      const { Serving, SyncFailing, BundleCurrent } = await scene.numbers();
      assert.deepEqual({ Serving, SyncFailing, BundleCurrent }, { Serving: 0, SyncFailing: 0, BundleCurrent: 0 });
    });
  });

  sending("sends each line of the access log once, as nginx wrote it, into a stream of the machine's own", async () => {
    await using scene = await sendingMachine();
    const { cloudWatch } = scene.machine.aws;
    const paths = await scene.call(30);
    await scene.arrive(30);
    paths.push(...(await scene.call(5)));
    await scene.arrive(35);
    assert.deepEqual(scene.arrived(), paths);
    assert.deepEqual([...(cloudWatch.groups.get(LOG_GROUP)?.keys() ?? [])], ["i-0123456789abcdef0"]);
    const logged = readFileSync(scene.log, "utf8").trim().split("\n");
    const sent = cloudWatch.lines(LOG_GROUP);
    assert.deepEqual(sent, logged.slice(0, sent.length));
    const times = [...(cloudWatch.groups.get(LOG_GROUP)?.values() ?? [])].flat();
    for (const { timestamp, message } of times) assert.equal(timestamp, Date.parse(JSON.parse(message).time));
    assert.deepEqual(scene.sender.journal, [{ outcome: "sending" }]);
  });

  sending("sends nothing else: no query string, no key, no line of another log", async () => {
    await using scene = await sendingMachine();
    const { machine } = scene;
    await scene.call(3);
    await scene.arrive(3);
    await until(() => machine.aws.cloudWatch.numbers.length > 0, SENT_MS);
    const received = machine.aws.cloudWatch.received.join("\n");
    for (const key of [machine.stack.server.key, machine.stack.probe.key])
      assert.ok(!received.includes(key.split("\n")[1] ?? key));
    assert.doesNotMatch(received, /never-to-be-sent|PRIVATE KEY|CERTIFICATE|not\/a\+secret/);
    const logged = new Set(readFileSync(scene.log, "utf8").split("\n"));
    for (const line of machine.aws.cloudWatch.lines(LOG_GROUP)) assert.ok(logged.has(line), line);
    assert.deepEqual(
      new Set(machine.aws.asked),
      new Set(["DescribeSecret", "GetSecretValue", "PutLogEvents", "CreateLogStream", "PutMetricData"]),
    );
  });

  sending(
    "loses nothing and sends nothing twice when the log is rotated, while AWS is away, and when it is restarted",
    async () => {
      await using scene = await sendingMachine();
      const { machine, sender } = scene;
      const paths = await scene.call(10);
      await scene.arrive(10);
      machine.aws.watchingFault = (request) => request.socket.destroy();
      paths.push(...(await scene.call(10)));
      await scene.rotate();
      paths.push(...(await scene.call(10)));
      await until(() => sender.journal.some(({ problem }) => problem?.code === "aws_unreachable"), SENT_MS);
      await scene.rotate();
      paths.push(...(await scene.call(10)));
      machine.aws.watchingFault = undefined;
      await scene.arrive(40);
      await sender.stop();
      paths.push(...(await scene.call(10)));
      await scene.rotate();
      paths.push(...(await scene.call(10)));
      sender.start();
      await scene.arrive(60);
      paths.push(...(await scene.call(10)));
      await scene.arrive(70);
      assert.deepEqual(scene.arrived(), paths);
      assert.equal((await scene.numbers()).LogLinesLost, 0);
    },
  );

  sending("finds the file between two rotations of which it saw neither", async () => {
    await using scene = await sendingMachine();
    const paths = await scene.call(3);
    await scene.arrive(3);
    const { pid = 0 } = scene.sender;
    process.kill(pid, "SIGSTOP");
    for (let rotation = 1; rotation <= 2; rotation++) {
      paths.push(...(await scene.call(3)));
      await scene.rotate({ asleep: true });
    }
    paths.push(...(await scene.call(3)));
    process.kill(pid, "SIGCONT");
    await scene.arrive(12);
    assert.deepEqual(scene.arrived(), paths);
  });

  sending("sends at its end what it has not sent yet", async () => {
    await using scene = await sendingMachine();
    await scene.call(1);
    await scene.arrive(1);
    await scene.call(5);
    await scene.sender.stop();
    assert.equal(scene.arrived().length, 6);
  });

  sending("killed with -9 loses nothing, and sends one batch twice at most", async () => {
    await using scene = await sendingMachine();
    const { machine, sender } = scene;
    await scene.call(5);
    await scene.arrive(5);
    machine.aws.watchingFault = (_request, response, action) => {
      if (action !== "PutLogEvents") return void response.end("{}");
      machine.aws.watchingFault = undefined;
      void sender.stop("SIGKILL").then(sender.start);
    };
    await scene.call(5);
    await scene.arrive(10);
    assert.deepEqual(new Set(scene.arrived()).size, 10);
    assert.ok(scene.arrived().length <= 15);
    assert.equal(sender.starts, 2);
  });

  sending("asks later and later when it is throttled, and catches up", async () => {
    const at: number[] = [];
    await using scene = await sendingMachine({
      fault: (...call) => {
        if (call[2] === "PutLogEvents") at.push(Date.now());
        refusal(400, "ThrottlingException")(...call);
      },
    });
    const { aws } = scene.machine;
    const paths = await scene.call(5);
    await until(() => at.length >= 3, SENT_MS);
    aws.watchingFault = undefined;
    await scene.arrive(5);
    assert.deepEqual(scene.arrived(), paths);
    const [first = 0, second = 0, third = 0] = at;
    assert.ok(
      second - first >= 3_500 && third - second >= 7_000,
      `pauses of ${second - first} and ${third - second} ms`,
    );
    assert.equal(scene.sender.journal[0]?.problem?.code, "aws_throttled");
  });

  sending(
    "leaves AWS alone for minutes when the role is denied, and sends when it is started with the right",
    async () => {
      await using scene = await sendingMachine({ fault: refusal(400, "AccessDeniedException") });
      const { aws } = scene.machine;
      await scene.call(3);
      const count = (action: string) => aws.asked.filter((asked) => asked === action).length;
      await until(() => count("PutLogEvents") > 0 && count("PutMetricData") > 0, SENT_MS);
      await pause(16_000); // three turns in which nothing may be asked: there is no condition to wait for
      assert.deepEqual([count("PutLogEvents"), count("PutMetricData")], [1, 1]);
      assert.deepEqual(
        scene.sender.journal.map(({ outcome, problem }) => [outcome, problem?.code]),
        [["waiting", "telemetry_denied"]],
      );
      aws.watchingFault = undefined;
      await scene.sender.stop();
      scene.sender.start();
      await scene.arrive(3);
    },
  );

  for (const [code, fault] of [
    ["log_group_missing", refusal(400, "ResourceNotFoundException")],
    ["aws_failed", refusal(500, "ServiceUnavailableException")],
    ["aws_garbled", (_request, response) => response.end("<html>")],
  ] as const satisfies [string, ReturnType<typeof refusal>][])
    sending(`says ${code}, and goes on when that has passed`, async () => {
      await using scene = await sendingMachine({ fault });
      await scene.call(2);
      await until(() => scene.sender.journal[0]?.problem?.code === code, SENT_MS);
      scene.machine.aws.watchingFault = undefined;
      await scene.arrive(2);
      await until(() => scene.sender.journal.at(-1)?.outcome === "sending", SENT_MS);
    });

  sending("takes any bytes, counts what AWS never takes, and waits for the end of a line", async () => {
    // a sender that has been there for long; else what was logged before it would not be its business
    const state = mkdtempSync(join(tmpdir(), "mtls-proxy-telemetry-"));
    writeFileSync(join(state, "position.json"), '{"since":0,"saved":0,"files":[]}');
    await using scene = await sendingMachine({ state });
    const { cloudWatch } = scene.machine.aws;
    await scene.call(1);
    await scene.arrive(1);
    const now = Date.now();
    appendFileSync(scene.log, Buffer.from([0x22, 0xff, 0xfe, 0x80, 0x22, 0x0a]));
    appendFileSync(scene.log, `\n"no JSON" at all\n${"x".repeat(300_000)}\n${"y".repeat(3_000_000)}\n`);
    appendFileSync(scene.log, lineAt(new Date(now - 15 * DAY_MS)) + lineAt(new Date(now + 3 * 3_600_000)));
    appendFileSync(scene.log, `${lineAt(new Date(now - 2 * DAY_MS), "old")}`);
    await until(() => cloudWatch.lines(LOG_GROUP).some((line) => line.includes('"old"')), SENT_MS);
    const sum = () => cloudWatch.numbers.reduce((lost, { values }) => lost + (values.LogLinesLost ?? 0), 0);
    await until(() => sum() === 4, SENT_MS);
    // the numbers have just been measured, so nginx logs no question about them within a line that is not ended
    appendFileSync(scene.log, '"half');
    await pause(6_000); // a turn and more in which it may not be sent: there is no condition to wait for
    appendFileSync(scene.log, ' a line"\n');
    await until(() => cloudWatch.lines(LOG_GROUP).includes('"half a line"'), SENT_MS);
    const lines = cloudWatch.lines(LOG_GROUP);
    assert.ok(lines.includes('"\ufffd\ufffd\ufffd"') && lines.includes('"no JSON" at all'), "as they are");
    assert.ok(!lines.some((line) => /^x|^y|^$|^"half$/.test(line)));
    assert.equal(cloudWatch.refused, 0, "no batch broke a limit");
    assert.equal(sum(), 4);
    rmSync(state, { recursive: true });
  });

  sending("keeps within what one call takes: 10,000 lines and 1 MB", async () => {
    await using scene = await sendingMachine();
    const { cloudWatch } = scene.machine.aws;
    await scene.call(1);
    await scene.arrive(1);
    const before = cloudWatch.lines(LOG_GROUP).length;
    appendFileSync(scene.log, Array.from({ length: 25_000 }, (_, index) => `${index}\n`).join(""));
    appendFileSync(scene.log, Array.from({ length: 10_000 }, () => lineAt(new Date(), "ü".repeat(200))).join(""));
    await until(() => cloudWatch.lines(LOG_GROUP).length >= before + 35_000, SENT_MS);
    const numbered = cloudWatch.lines(LOG_GROUP).filter((line) => /^\d+$/.test(line));
    assert.deepEqual(
      numbered,
      Array.from({ length: 25_000 }, (_, index) => String(index)),
    );
    assert.equal(cloudWatch.refused, 0);
    assert.ok(cloudWatch.batches.length <= 12, `${cloudWatch.batches.length} calls`);
  });

  sending("begins anew with a log that was cut", async () => {
    await using scene = await sendingMachine();
    const paths = await scene.call(5);
    await scene.arrive(5);
    truncateSync(scene.log, 0);
    paths.push(...(await scene.call(1)));
    await scene.arrive(6);
    assert.deepEqual(scene.arrived(), paths);
    assert.ok(scene.sender.journal.some(({ outcome }) => outcome === "truncated"));
  });

  sending("sends on with a full disk, and says so once", async () => {
    const state = mkdtempSync(join(tmpdir(), "mtls-proxy-full-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", state]);
    try {
      writeFileSync(join(state, "reserve"), Buffer.alloc(12 * 1024));
      await using scene = await sendingMachine({ state });
      const paths = await scene.call(3);
      await scene.arrive(3);
      paths.push(...(await scene.call(3)));
      await scene.arrive(6);
      assert.deepEqual(scene.arrived(), paths);
      assert.equal(scene.sender.journal.filter(({ outcome }) => outcome === "position not kept").length, 1);
    } finally {
      execFileSync("umount", ["--lazy", state]);
      rmSync(state, { recursive: true });
    }
  });

  sending(
    "follows the bundle: to another group, into silence, and back without what was logged meanwhile",
    async () => {
      await using scene = await sendingMachine();
      const { machine } = scene;
      const { groups } = machine.aws.cloudWatch;
      groups.set("another", new Map());
      await scene.call(2);
      await scene.arrive(2);
      const limits = (bodyMegabytes: number) => ({ limits: { bodyMegabytes } });
      await machine.follow(machine.stack.bundle({}, telemetryFiles({ logGroup: "another", namespace: NAMESPACE })));
      const moved = await scene.call(2);
      await until(() => scene.arrived("another").length >= 2, SENT_MS);
      assert.deepEqual(scene.arrived("another"), moved);
      await machine.follow(machine.stack.bundle(limits(3)));
      await until(() => scene.sender.pid === undefined, SENT_MS);
      await scene.call(2);
      await pause(1_100); // the log tells seconds
      await machine.follow(reporting(machine, limits(4)));
      const back = await scene.call(2);
      await scene.arrive(4);
      assert.deepEqual(scene.arrived().slice(2), back);
    },
  );

  sending("says that it cannot read where to send, sends nothing, and goes on with the next bundle", async () => {
    await using scene = await sendingMachine();
    const { machine } = scene;
    await scene.call(1);
    await scene.arrive(1);
    await machine.follow(reporting(machine, {}, { "telemetry.json": '{"logGroup":[]}' }));
    await until(() => scene.sender.journal.some(({ problem }) => problem?.code === "telemetry_garbled"), SENT_MS);
    machine.aws.asked.length = 0;
    const paths = await scene.call(1);
    await machine.follow(reporting(machine, { limits: { bodyMegabytes: 3 } }));
    assert.ok(!machine.aws.asked.some((action) => action.startsWith("Put")));
    await scene.arrive(2);
    assert.deepEqual(scene.arrived().slice(1), paths);
  });

  sending("fetches the role's credentials again shortly before they end, and not earlier", async () => {
    await using scene = await sendingMachine();
    const { aws } = scene.machine;
    await scene.call(1);
    await scene.arrive(1);
    const fetched = aws.credentialsFetched;
    await scene.call(1);
    await scene.arrive(2);
    assert.equal(aws.credentialsFetched, fetched);
    await scene.sender.stop();
    aws.credentialsEnd = Date.now() + 4 * 60_000;
    scene.sender.start();
    await scene.call(1);
    await scene.arrive(3);
    const soon = aws.credentialsFetched;
    await scene.call(1);
    await scene.arrive(4);
    assert.ok(aws.credentialsFetched > soon);
  });
});
