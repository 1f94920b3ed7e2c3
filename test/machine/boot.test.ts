import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import {
  type Bundle,
  cloudConfig,
  HEALTH_PATH,
  HEALTH_PORT,
  packBundle,
  STATUS_PATH,
  telemetryFiles,
} from "@app-builder-mtls/proxy";
import type { Issued } from "../../cli/src/certificates";
import { issueCa, issueServer } from "../support/certificates";
import { until } from "../support/until";
import {
  AWS_ENDPOINT,
  type BootedMachine,
  debianImage,
  MACHINE_ADDRESS,
  makeMachine,
  OUTSIDE_ADDRESS,
  type Release,
} from "./support/bootedMachine";
import { makeStack, type Stack } from "./support/bundles";
import { FLEET_FILES, GROUP } from "./support/member";
import { REGION, SECRET } from "./support/secretsManager";

/** Making an image takes minutes, and a boot one on two busy processors. */
const LIMIT_MS = 900_000;
const SERVES_MS = 180_000;
const BACKEND_PORT = 8_443;
/** Before a renewal and again after it: five seconds of load on a machine that has the processor for it. */
const LOAD_CALLS = 1_000;
/** CAP_NET_BIND_SERVICE alone: capability 10 (capabilities(7)). */
const BIND_ALONE = "0000000000000400";
/** `systemd-analyze security` counts from 0 to 10; its threshold is in tenths. */
const EXPOSURE_TENTHS = 30;
const UNITS = [
  "run-mtls\\x2dproxy.mount",
  ...["install", "sync", "telemetry", "fleet", "logrotate", "patch"].map((name) => `mtls-proxy-${name}.service`),
  ...["sync", "logrotate", "patch"].map((name) => `mtls-proxy-${name}.timer`),
  "mtls-proxy.service",
  "mtls-proxy.path",
  "mtls-proxy-telemetry.path",
  "mtls-proxy-fleet.path",
  "mtls-proxy-end.path",
  "mtls-proxy-end.target",
];
const LOG_GROUP = "access";
const REPORTING_FILES = telemetryFiles({ logGroup: LOG_GROUP, namespace: "proxy" });

for (const release of ["bookworm", "sid"] satisfies Release[]) {
  describe(`a machine of Debian ${release}`, function () {
    this.timeout(LIMIT_MS);
    let machine: BootedMachine;
    let stack: Stack;
    let bundle: Bundle;

    const shell = (script: string) => machine.run("sh", "-c", script);
    const askAs = (client: Issued, path = STATUS_PATH) =>
      machine.order("ask", { host: MACHINE_ADDRESS, port: 443, path, ca: stack.ca.cert, ...client });
    const serves = async (version: string) => {
      const client = await stack.client("app-builder");
      await until(async () => {
        const answer = await askAs(client).catch(() => undefined);
        return answer?.status === 200 && JSON.parse(answer.body).bundleVersion === version;
      }, SERVES_MS);
    };
    /** As the load balancer gets it; nothing listens before there is a fleet. */
    const health = async () => {
      const ask = `import http.client; c = http.client.HTTPConnection("127.0.0.1", ${HEALTH_PORT}, timeout=5); c.request("GET", "${HEALTH_PATH}"); print(c.getresponse().status)`;
      return (await shell(`python3 -c '${ask}'`)).trim();
    };
    const called = (calls: number) => until(async () => (await machine.order("calls", null)) >= calls, SERVES_MS);
    const logs = (path: string) =>
      until(async () => {
        const { lines } = await machine.order("reported", LOG_GROUP);
        return lines.filter((line) => line.includes(`"path":"${path}"`)).length === 1;
      }, SERVES_MS);
    const publish = async (next: Bundle) => {
      bundle = next;
      await machine.order("put", packBundle(bundle).toString("base64"));
    };

    before(async () => {
      machine = await makeMachine(await debianImage(release));
      const backendCa = await issueCa();
      const backend = await issueServer(backendCa, { names: [OUTSIDE_ADDRESS, "backend.test"] });
      await machine.order("backend", { port: BACKEND_PORT, ...backend });
      const url = `https://${OUTSIDE_ADDRESS}:${BACKEND_PORT}`;
      const destination = {
        name: "backend",
        url,
        serverName: "backend.test",
        ca: backendCa.cert,
        connectTimeoutSeconds: 60,
      };
      stack = await makeStack({ port: 443, destinations: [destination] }, release === "sid" ? "1.30" : "1.22");
      const userData = cloudConfig({ secretId: SECRET, region: REGION, endpointUrl: AWS_ENDPOINT });
      await machine.order("userData", gzipSync(userData).toString("base64"));
    });
    after(async () => machine?.[Symbol.asyncDispose]());
    afterEach(async function () {
      if (this.currentTest?.state !== "failed") return;
      console.error(await shell("journalctl --no-pager -n 120 -o cat; systemctl --failed --no-pager").catch(String));
    });

    it("comes up from its user data alone, and serves once there is a bundle", async () => {
      await machine.boot();
      await until(
        async () => (await shell("systemctl is-active mtls-proxy-sync.timer || true")).trim() === "active",
        SERVES_MS,
      );
      await publish(stack.bundle());
      await serves(bundle.version);
      await until(async () => /status: (done|error)/.test(await shell("cloud-init status || true")), SERVES_MS);
      // what the image itself asks of cloud-init (users, devices) may fail in a namespace; what we ask must not
      assert.doesNotMatch(
        await shell("cloud-init status --long || true"),
        /write.files|runcmd|scripts.user|set.passwords/,
      );
    });

    it("was given user data that cloud-init finds valid", async () => {
      assert.match(await shell("cloud-init schema --system 2>&1"), /Valid (cloud-config|schema)/);
    });

    it("forwards to the destination, tells its health, and refuses who is not listed", async () => {
      const client = await stack.client("app-builder");
      assert.equal((await askAs(client, "/x")).body, "from the backend");
      assert.equal((await askAs(await stack.client("stranger"), "/x")).status, 403);
      await until(async () => {
        const { destinations } = JSON.parse((await askAs(client)).body);
        return destinations[0].name === "backend" && destinations[0].health === "ok";
      }, SERVES_MS);
    });

    it("lets nobody in over SSH", async () => {
      assert.doesNotMatch(await shell("ss -Hltn"), /:22\s/);
      assert.doesNotMatch(
        await shell("systemctl list-units --no-pager --state=active 'ssh*'"),
        /\bsshd?\.(service|socket)/,
      );
    });

    it("runs nginx as nobody in particular, who may bind a port and no more", async () => {
      const status = await shell('cat "/proc/$(cat /run/mtls-proxy/nginx.pid)/status"');
      assert.match(status, new RegExp(`CapEff:\\s${BIND_ALONE}\\nCapBnd:\\s${BIND_ALONE}`));
      assert.match(status, /NoNewPrivs:\s1/);
      assert.doesNotMatch(status, /Uid:\s0/);
      assert.match(await shell('grep "core file" "/proc/$(cat /run/mtls-proxy/nginx.pid)/limits"'), /size\s+0\s+0/);
    });

    it("keeps nginx away from the metadata service, and nothing else", async () => {
      const connect = (host: string) =>
        shell(
          `echo $$ >/sys/fs/cgroup/system.slice/mtls-proxy.service/cgroup.procs && exec python3 -c 'import socket; socket.create_connection(("${host}", 80), 5)'`,
        );
      await connect(OUTSIDE_ADDRESS);
      await assert.rejects(connect("169.254.169.254"), /PermissionError|TimeoutError|timed out/);
    });

    it("has units that systemd finds right, and exposes less than 3.0 of 10 with each program", async () => {
      const verified = await machine.run(
        "systemd-analyze",
        "verify",
        ...UNITS.map((unit) => `/etc/systemd/system/${unit}`),
      );
      assert.equal(verified, "");
      for (const name of ["", "-sync", "-telemetry", "-fleet"]) {
        const unit = `mtls-proxy${name}.service`;
        const said = await shell(`systemd-analyze security --no-pager --threshold=${EXPOSURE_TENTHS} ${unit}`);
        console.log(`      ${/Overall exposure.*/.exec(said)?.[0]}`);
      }
    });

    it("follows its secret by itself, within a minute and a run", async () => {
      await publish(stack.bundle({ limits: { bodyMegabytes: 7 } }));
      await serves(bundle.version);
    });

    it("starts nginx again when it dies", async () => {
      const pid = await shell("cat /run/mtls-proxy/nginx.pid");
      await shell(`kill -9 ${pid}`);
      await serves(bundle.version);
      assert.notEqual(await shell("cat /run/mtls-proxy/nginx.pid"), pid);
    });

    it("serves with a new binary after nginx was upgraded on disk, and fails no request meanwhile", async () => {
      const before = (await shell("cat /run/mtls-proxy/nginx.pid")).trim();
      const client = await stack.client("app-builder");
      await machine.order("startLoad", { host: MACHINE_ADDRESS, port: 443, path: "/x", ca: stack.ca.cert, client });
      await called(LOAD_CALLS);
      await shell("/usr/local/lib/mtls-proxy/renew-binary");
      assert.equal((await shell("cat /run/mtls-proxy/nginx.pid")).trim(), before, "nothing is renewed for nothing");
      await shell("cp /usr/sbin/nginx /usr/sbin/nginx.new && mv /usr/sbin/nginx.new /usr/sbin/nginx");
      assert.match(await shell("/usr/local/lib/mtls-proxy/renew-binary"), /is replaced by/);
      const after = (await shell("cat /run/mtls-proxy/nginx.pid")).trim();
      assert.notEqual(after, before);
      await until(async () => (await shell("systemctl show -P MainPID mtls-proxy")).trim() === after, SERVES_MS);
      await called(2 * LOAD_CALLS);
      const { calls, failures, slowest } = await machine.order("stopLoad", null);
      console.log(`      ${JSON.stringify(calls)}, failed: ${failures.length}, slowest: ${slowest} ms`);
      assert.deepEqual(
        failures.filter(({ kind }) => release === "sid" || kind !== "kept POST"),
        [],
      );
      assert.doesNotMatch(await shell(`readlink /proc/${after}/exe`), /deleted/);
      await publish(stack.bundle({ limits: { bodyMegabytes: 8 } }));
      await serves(bundle.version);
    });

    it("sends its log and its numbers from the moment in which a bundle says where to", async () => {
      const client = await stack.client("app-builder");
      await askAs(client, "/before");
      await machine.order("makeLogGroup", LOG_GROUP);
      await publish(stack.bundle({}, REPORTING_FILES));
      await serves(bundle.version);
      await askAs(client, "/for-the-log?not=this");
      await logs("/for-the-log");
      const { lines } = await machine.order("reported", LOG_GROUP);
      assert.doesNotMatch(lines.join("\n"), /\/before|not=this/);
      const well = ({ Serving, SyncFailing, BundleCurrent }: Record<string, number>) =>
        Serving === 1 && SyncFailing === 0 && BundleCurrent === 1;
      await until(async () => (await machine.order("reported", LOG_GROUP)).numbers.length >= 2, SERVES_MS);
      const { numbers } = await machine.order("reported", LOG_GROUP);
      assert.ok(numbers.every(well), JSON.stringify(numbers));
      const [last] = numbers.slice(-1);
      console.log(`      ${JSON.stringify(last)}`);
      const disk = Number.parseInt((await shell("df --output=pcent / | tail -n 1")).trim(), 10);
      assert.ok(Math.abs((last?.DiskUsedPercent ?? 0) - disk) <= 1.5, `df says ${disk} %`);
    });

    it("runs the sender as a user of its own, who may do nothing", async () => {
      const status = await shell('cat "/proc/$(systemctl show -P MainPID mtls-proxy-telemetry)/status"');
      assert.match(status, /CapEff:\s0{16}\nCapBnd:\s0{16}/);
      assert.match(status, /NoNewPrivs:\s1/);
      const user = /Uid:\s(\d+)/.exec(status)?.[1] ?? "";
      assert.equal((await shell("id -u mtls-telemetry")).trim(), user);
      console.log(`      ${/VmRSS.*/.exec(status)?.[0]}`);
    });

    it("sends each line once while the log is rotated and the sender is restarted, under load", async () => {
      const client = await stack.client("app-builder");
      const path = "/rotated";
      await machine.order("startLoad", { host: MACHINE_ADDRESS, port: 443, path, ca: stack.ca.cert, client });
      const rotate = "logrotate --force --state /var/lib/mtls-proxy/logrotate.state /etc/mtls-proxy/logrotate.conf";
      for (let round = 1; round <= 3; round++) {
        await called(round * (LOAD_CALLS / 2));
        await shell(`sleep 3; /usr/sbin/${rotate}`); // the sender looks every 5 s and finds two rotations, not three
        if (round === 2) await shell("systemctl restart mtls-proxy-telemetry");
      }
      await called(2 * LOAD_CALLS);
      await machine.order("stopLoad", null);
      const ids = (lines: string[]) =>
        lines.filter((line) => line.includes(`"path":"${path}"`)).map((line) => JSON.parse(line).id as string);
      const logged = ids((await shell("zcat --force /var/log/mtls-proxy/access.log*")).split("\n"));
      assert.ok(logged.length >= 2 * LOAD_CALLS, `${logged.length} lines`);
      const sent = async () => ids((await machine.order("reported", LOG_GROUP)).lines);
      await until(async () => (await sent()).length >= logged.length, SERVES_MS);
      assert.deepEqual((await sent()).toSorted(), logged.toSorted());
    });

    it("rotates its logs, and goes on logging", async () => {
      await shell("truncate -s 200M /var/log/mtls-proxy/access.log && systemctl start mtls-proxy-logrotate.service");
      assert.match(await shell("ls /var/log/mtls-proxy"), /access\.log\.1/);
      await askAs(await stack.client("app-builder"), "/after-rotation");
      await until(
        async () => (await shell("cat /var/log/mtls-proxy/access.log || true")).includes("/after-rotation"),
        SERVES_MS,
      );
      await logs("/after-rotation");
    });

    it("has nothing of a fleet as long as its bundle names none", async () => {
      const states = await shell("systemctl show -P ActiveState mtls-proxy-fleet.service mtls-proxy-end.path");
      assert.deepEqual(states.split("\n").filter(Boolean), ["inactive", "inactive"]);
      assert.deepEqual(await machine.order("completed", null), []);
    });

    it("joins its fleet with the first bundle that names one, and answers health checks from then on", async () => {
      await machine.order("lifecycle", "InService");
      await publish(stack.bundle({}, { ...REPORTING_FILES, ...FLEET_FILES }, { health: true }));
      await until(async () => (await machine.order("completed", null)).length > 0, SERVES_MS);
      assert.deepEqual(await machine.order("completed", null), [GROUP.launchHook]);
      assert.equal(await health(), "200");
    });

    it("serves again after the power was cut, from a disk without a key", async () => {
      await machine.cutPower();
      for (const key of [stack.server.key, stack.probe.key]) assertNotWritten(machine.written, key);
      await machine.boot();
      await serves(bundle.version);
      assert.doesNotMatch(await shell("journalctl --no-pager -o cat"), /PRIVATE KEY/);
      await askAs(await stack.client("app-builder"), "/after-the-cut");
      await logs("/after-the-cut");
      await logs("/after-rotation");
    });

    it("leaves its fleet in order when the group ends it: first unhealthy, then without nginx, which nothing starts again", async () => {
      const quick = "s/^UNHEARD_SECONDS = .*/UNHEARD_SECONDS = 5/";
      await shell(`sed -i '${quick}' /usr/local/lib/mtls-proxy/sync/fleet.py && systemctl restart mtls-proxy-fleet`);
      await machine.order("lifecycle", "Terminated");
      await until(async () => (await health()) === "503", SERVES_MS);
      await until(async () => (await machine.order("completed", null)).includes(GROUP.terminateHook), SERVES_MS);
      assert.equal(await shell("pgrep -c nginx || true"), "0\n");
      const ended = ["mtls-proxy.service", "mtls-proxy.path", "mtls-proxy-sync.timer", "mtls-proxy-patch.timer"];
      const states = await shell(`systemctl show -P ActiveState ${ended.join(" ")}`);
      assert.deepEqual(states.split("\n").filter(Boolean), Array(ended.length).fill("inactive"));
      assert.equal((await shell("systemctl is-active mtls-proxy-end.target")).trim(), "active");
    });
  });
}

/** Neither as text nor as what the text encodes; the host's own keys of SSH are not meant. */
function assertNotWritten(directory: string, key: string): void {
  const line = key.split("\n")[1] ?? "";
  assert.ok(line.length > 40);
  const { status, stdout } = spawnSync("grep", ["-rlaF", "-e", line, directory], { encoding: "utf8" });
  assert.deepEqual([status, stdout], [1, ""]);
  const pem = spawnSync(
    "grep",
    ["-rla", "--exclude-dir=ssh", "-e", "BEGIN \\(EC \\|RSA \\|\\)PRIVATE KEY", directory],
    { encoding: "utf8" },
  );
  assert.deepEqual([pem.status, pem.stdout], [1, ""]);
}

describe("a machine whose power is cut while it installs itself", function () {
  this.timeout(LIMIT_MS);

  it("serves after the next boot", async () => {
    await using machine = await makeMachine(await debianImage("bookworm"));
    const stack = await makeStack(
      {
        port: 443,
        destinations: [{ name: "nowhere", url: `https://${OUTSIDE_ADDRESS}:9`, serverName: "nowhere.test" }],
      },
      "1.22",
    );
    const userData = cloudConfig({ secretId: SECRET, region: REGION, endpointUrl: AWS_ENDPOINT });
    await machine.order("userData", gzipSync(userData).toString("base64"));
    await machine.order("put", packBundle(stack.bundle()).toString("base64"));
    await machine.boot();
    await until(
      async () =>
        (await machine.run("systemctl", "show", "-P", "ActiveState", "mtls-proxy-install").catch(() => "")).trim() ===
        "activating",
      SERVES_MS,
    );
    await machine.cutPower();
    await machine.boot();
    const client = await stack.client("app-builder");
    const call = { host: MACHINE_ADDRESS, port: 443, path: STATUS_PATH, ca: stack.ca.cert, ...client };
    await until(async () => (await machine.order("ask", call).catch(() => undefined))?.status === 200, SERVES_MS);
  });
});
