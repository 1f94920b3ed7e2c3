import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Bundle, makeBundle, packBundle } from "@app-builder-mtls/proxy";
import { freePort } from "../../cli/src/local/ports";
import { DAY_MS, fromNow } from "../support/certificates";
import { until } from "../support/until";
import { type JournalLine, lineOf, startMachine, type TestMachine } from "./support/machine";
import { type Fault, refusal } from "./support/secretsManager";

/** A machine that serves a good bundle. */
async function serving(options?: Parameters<typeof startMachine>[0]): Promise<{ machine: TestMachine; good: Bundle }> {
  const machine = await startMachine(options);
  const good = machine.stack.bundle();
  const line = await machine.follow(good);
  assert.equal(line.outcome, "switched", JSON.stringify(line));
  return { machine, good };
}

/** What every fault has to end with: the old bundle serves, and journal and status location say why. */
async function assertKept(machine: TestMachine, good: Bundle, line: JournalLine, code: string): Promise<void> {
  assert.deepEqual([line.outcome, line.served, line.problem?.code], ["kept", good.version, code], JSON.stringify(line));
  const status = await machine.status();
  assert.deepEqual([status.bundleVersion, status.problem?.code], [good.version, code]);
  assert.equal(machine.current(), good.version);
  assert.deepEqual(readdirSync(join(machine.run, "bundles")), [good.version], "nothing half is left");
}

/** A secret that holds something else than a good bundle. */
const BAD_SECRETS: [what: string, code: string, make: (machine: TestMachine) => Buffer | Promise<Buffer>][] = [
  ["is not gzip", "not_gzip", () => Buffer.from("not gzip at all")],
  [
    "breaks off",
    "not_gzip",
    ({ stack }) => packBundle(stack.bundle({ limits: { bodyMegabytes: 3 } })).subarray(0, -20),
  ],
  ["is not JSON", "not_json", () => gzipSync("{")],
  ["is JSON of another kind", "not_json", () => gzipSync("[1]")],
  ["is too large when it is unpacked", "too_large", () => gzipSync(Buffer.alloc(5 * 1024 * 1024))],
  ["has a format of the future", "bundle_format", ({ stack }) => packed({ ...stack.bundle(), format: 2 })],
  [
    "is made for a newer nginx",
    "nginx_too_old",
    ({ stack }) => packBundle(stack.bundle({}, {}, { nginxVersion: "1.99" })),
  ],
  ["lacks a file that the manifest names", "file_missing", ({ stack }) => packed(without(stack.bundle(), "tls.conf"))],
  ["lacks the server's key", "file_missing", ({ stack }) => packBundle(rebuilt(without(stack.bundle(), "server.key")))],
  [
    "has a file that was changed",
    "file_changed",
    ({ stack }) => {
      const bundle = stack.bundle();
      return packed({ ...bundle, files: { ...bundle.files, "tls.conf": "# changed\n" } });
    },
  ],
  [
    "has a file outside its directory",
    "bundle_garbled",
    ({ stack }) => packBundle(stack.bundle({}, { "../escaped.conf": "# no\n" })),
  ],
  [
    "has an error in nginx's files",
    "nginx_refuses",
    ({ stack }) => packBundle(stack.bundle({}, { "limits.conf": "client_max_body_sizes 1m;\n" })),
  ],
  [
    "has a key that is not the certificate's",
    "key_mismatch",
    async ({ stack }) => packBundle(stack.bundle({}, { "server.key": (await stack.issueServer()).key })),
  ],
  [
    "has a server certificate that is expired",
    "certificate_dates",
    async ({ stack }) => withServer(stack, { notBefore: fromNow(-2 * DAY_MS), notAfter: fromNow(-DAY_MS) }),
  ],
  [
    "has a server certificate of the future, or a clock of the past",
    "certificate_dates",
    async ({ stack }) => withServer(stack, { notBefore: fromNow(DAY_MS), notAfter: fromNow(2 * DAY_MS) }),
  ],
  [
    "lists no client",
    "no_clients",
    ({ stack }) => {
      const outline = JSON.parse(stack.bundle().files["outline.json"] ?? "");
      return packBundle(stack.bundle({}, { "outline.json": JSON.stringify({ ...outline, clients: [] }) }));
    },
  ],
];

const packed = (content: unknown): Buffer => gzipSync(JSON.stringify(content));

function without(bundle: Bundle, path: string): Bundle {
  const { [path]: _, ...files } = bundle.files;
  return { ...bundle, files };
}

const rebuilt = ({ nginx, files }: Bundle): Bundle => makeBundle(nginx, files);

async function withServer(stack: TestMachine["stack"], dates: { notBefore: Date; notAfter: Date }): Promise<Buffer> {
  const { cert, key } = await stack.issueServer(dates);
  return packBundle(stack.bundle({}, { "server.crt": cert, "server.key": key }));
}

/** What AWS may answer instead of the secret. */
const AWS_FAULTS: [what: string, code: string, fault: Fault][] = [
  ["deleted", "secret_missing", refusal(400, "ResourceNotFoundException")],
  ["marked for deletion", "secret_deleted", refusal(400, "InvalidRequestException")],
  ["denied", "secret_denied", refusal(400, "AccessDeniedException")],
  ["throttled", "aws_throttled", refusal(400, "ThrottlingException")],
  ["failing", "aws_failed", refusal(500, "InternalServiceError")],
  ["answered with garbage", "aws_garbled", (_, response) => response.end("<html>")],
  ["answered without end", "aws_garbled", (_, response) => response.end(Buffer.alloc(1024 * 1024, "x"))],
  ["cut off", "aws_unreachable", (request) => request.socket.destroy()],
  ["slow to answer", "aws_slow", () => undefined],
  [
    "answered a byte a second",
    "aws_slow",
    (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      const drip = setInterval(() => response.write("x"), 1_000);
      response.on("close", () => clearInterval(drip));
    },
  ],
  [
    "asked with a wrong clock",
    "clock",
    (_, response) =>
      response.writeHead(400, { date: fromNow(DAY_MS).toUTCString() }).end('{"__type":"x#InvalidSignatureException"}'),
  ],
];

describe("sync keeps the bundle that serves, and says why, when", () => {
  for (const [what, code, make] of BAD_SECRETS) {
    it(`the secret's bundle ${what}`, async () => {
      const { machine, good } = await serving();
      await using _ = machine;
      machine.aws.put(await make(machine));
      await assertKept(machine, good, await machine.sync(), code);
      const asked = machine.aws.asked.length;
      await assertKept(machine, good, await machine.sync(), code);
      assert.deepEqual(machine.aws.asked.slice(asked), ["DescribeSecret"], "it is not fetched again every minute");
      const next = machine.stack.bundle({ limits: { bodyMegabytes: 9 } });
      assert.equal((await machine.follow(next)).outcome, "switched", "and the next good one is served at once");
      assert.equal((await machine.status()).problem, null);
    });
  }

  for (const [what, code, fault] of AWS_FAULTS) {
    it(`the secret is ${what}`, async () => {
      const { machine, good } = await serving();
      await using _ = machine;
      machine.aws.fault = fault;
      const line = await machine.sync();
      await assertKept(machine, good, line, code);
      assert.doesNotMatch(JSON.stringify(await machine.status()), /arn:|127\.0\.0\.1/);
      machine.aws.fault = undefined;
      assert.equal((await machine.sync()).outcome, "unchanged");
      assert.equal((await machine.status()).problem, null);
    });
  }

  it("the machine has no role", async () => {
    const { machine, good } = await serving();
    await using _ = machine;
    machine.aws.metadataFault = (__, response) => response.writeHead(404).end();
    await assertKept(machine, good, await machine.sync(), "no_role");
  });

  it("says since when, and not since the last run", async () => {
    const { machine } = await serving();
    await using _ = machine;
    machine.aws.fault = refusal(400, "AccessDeniedException");
    const { problem } = await machine.sync();
    await until(() => Date.now() > Date.parse(problem?.since ?? "") + 1_100, 5_000);
    assert.equal((await machine.sync()).problem?.since, problem?.since);
  });

  it("another program holds the new bundle's port", async () => {
    const { machine, good } = await serving();
    await using _ = machine;
    const port = await freePort(machine.port + 1);
    const other = createServer().listen(port, "0.0.0.0");
    await once(other, "listening");
    try {
      const line = await machine.follow(machine.stack.bundle({ port }));
      await assertKept(machine, good, line, "not_served");
      assert.match(line.detail ?? "", /bind\(\) .*failed/);
    } finally {
      other.close();
    }
  });

  it("nginx refuses a reload in silence, because a zone in use counts by another key", async () => {
    const { machine, good } = await serving();
    await using _ = machine;
    const zones = good.files["limit-zones.conf"]?.replace("limit_req_zone $mtls_client", "limit_req_zone $server_name");
    assert.notEqual(zones, good.files["limit-zones.conf"]);
    const line = await machine.follow(machine.stack.bundle({}, { "limit-zones.conf": zones ?? "" }));
    await assertKept(machine, good, line, "not_served");
    assert.match(line.detail ?? "", /uses the .* key while previously/);
  });

  it("the bundle's own probe is not let in", async () => {
    const { machine, good } = await serving();
    await using _ = machine;
    const identities = good.files["identities.conf"]?.replace("CN=probe", "CN=nobody") ?? "";
    await assertKept(
      machine,
      good,
      await machine.follow(machine.stack.bundle({}, { "identities.conf": identities })),
      "not_served",
    );
  });

  it("the memory for bundles is full", async () => {
    const { machine, good } = await serving({ memory: "2m" });
    await using _ = machine;
    fill(join(machine.run, "filler"));
    await assertKept(
      machine,
      good,
      await machine.follow(machine.stack.bundle({ limits: { bodyMegabytes: 3 } })),
      "no_space",
    );
    rmSync(join(machine.run, "filler"));
  });
});

/** Writes until nothing more fits. */
function fill(path: string): void {
  for (const size of [1024 * 1024, 4096]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch {
      // full for pieces of this size
    }
  }
}

describe("sync goes on", () => {
  it("with a full disk, because it needs none", async () => {
    await using machine = await startMachine();
    const logs = join(machine.run, "logs");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", logs]);
    try {
      await machine.follow(machine.stack.bundle());
      fill(join(logs, "filler"));
      const next = machine.stack.bundle({ limits: { bodyMegabytes: 3 } });
      assert.equal((await machine.follow(next)).outcome, "switched");
      assert.equal((await machine.status()).bundleVersion, next.version);
    } finally {
      await machine.nginx[Symbol.asyncDispose]();
      execFileSync("umount", ["--lazy", logs]);
    }
  });

  it("when nginx is dead, and says so until it lives", async () => {
    const { machine, good } = await serving();
    await using _ = machine;
    machine.nginx.masked = true;
    await machine.nginx.kill();
    const line = await machine.sync();
    assert.deepEqual([line.outcome, line.problem?.code, line.served], ["kept", "not_served", good.version]);
    machine.nginx.masked = false;
    const next = machine.stack.bundle({ limits: { bodyMegabytes: 3 } });
    assert.equal((await machine.follow(next)).outcome, "switched", "a new bundle is taken all the same");
    assert.equal((await machine.status()).problem, null);
  });

  it("waits for an nginx that is just being started", async () => {
    const { machine } = await serving();
    await using _ = machine;
    await machine.nginx.kill();
    assert.equal((await machine.sync()).outcome, "unchanged");
  });

  it("one at a time: the second run leaves at once", async () => {
    const { machine } = await serving();
    await using _ = machine;
    let free = () => {};
    machine.aws.fault = (__, response) => {
      free = () => response.writeHead(400).end('{"__type":"x#ThrottlingException"}');
    };
    const asked = machine.aws.asked.length;
    const first = machine.startSync();
    const line = lineOf(first);
    await until(() => machine.aws.asked.length > asked, 10_000);
    assert.equal((await machine.sync()).outcome, "busy");
    free();
    assert.equal((await line).outcome, "kept");
  });

  it("when what it remembers is garbled or gone", async () => {
    const { machine, good } = await serving();
    await using _ = machine;
    writeFileSync(join(machine.run, "state/sync.json"), "{");
    assert.equal((await machine.sync()).served, good.version);
    rmSync(join(machine.run, "state"), { recursive: true });
    mkdirSync(join(machine.run, "state"));
    assert.equal((await machine.sync()).served, good.version);
    assert.equal((await machine.status()).problem, null);
  });
});

describe("sync on a machine that serves nothing yet", () => {
  const FIRST_FAULTS: [what: string, fault: Fault][] = [
    ["no network", (request) => request.socket.destroy()],
    ["a role that is not there yet", refusal(400, "AccessDeniedException")],
    ["throttling", refusal(400, "ThrottlingException")],
  ];
  for (const [what, fault] of FIRST_FAULTS) {
    it(`asks again, later and later, on ${what}, and serves when it ends`, async () => {
      await using machine = await startMachine();
      machine.aws.put(packBundle(machine.stack.bundle()));
      const at: number[] = [];
      machine.aws.fault = (...call) => {
        at.push(Date.now());
        if (at.length >= 4) machine.aws.fault = undefined;
        fault(...call);
      };
      const line = await machine.sync();
      assert.equal(line.outcome, "switched");
      const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
      assert.ok(pauses.every((pause) => pause >= 500) && (pauses.at(-1) ?? 0) > 1_500, `pauses of ${pauses} ms`);
    });
  }

  it("leaves no half state behind when the first bundle is bad", async () => {
    await using machine = await startMachine();
    const line = await machine.follow(machine.stack.bundle({}, { "limits.conf": "wrong;\n" }));
    assert.deepEqual([line.outcome, line.problem?.code], ["kept", "nginx_refuses"]);
    assert.ok(!existsSync(join(machine.run, "current")));
    assert.deepEqual(readdirSync(join(machine.run, "bundles")), []);
    assert.equal(machine.nginx.starts, 0);
  });
});
