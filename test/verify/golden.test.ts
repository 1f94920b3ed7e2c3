import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../cli/src/local/ports";
import { startBackend } from "../support/backend";
import { DAY_MS, fromNow, issueClient } from "../support/certificates";
import { temporaryDirectory } from "../support/directory";
import { destinationOf, startProxy } from "../support/proxy";
import { alter } from "./support/altered";
import { steady } from "./support/steady";
import { filesOf, type Report, syncSays, verify } from "./support/verifying";

const GOLDEN = join(__dirname, "golden");
const UPDATE = process.env.UPDATE_GOLDEN === "1";

/** Milliseconds and seconds differ from run to run, days do not. */
function steadyJson(text: string): string {
  const report: Report = JSON.parse(text);
  const checks = report.checks.map(({ measured, ...check }) => ({
    ...check,
    ...(measured && {
      measured: Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, isDays(name) ? value : 0])),
    }),
  }));
  return steady(`${JSON.stringify({ ...report, durationMs: 0, checks }, null, 2)}\n`);
}

const isDays = (name: string): boolean => !/^(connect|tls|firstByte|seconds|.*Ms)$/.test(name);

/** Both outputs of one target, against the files that a reviewer reads. */
async function assertGolden(name: string, exit: number, args: string[]): Promise<void> {
  for (const [file, more, form] of [
    [`${name}.txt`, [], steady],
    [`${name}.json`, ["--json"], steadyJson],
  ] as const) {
    const said = await verify([...args, ...more]);
    assert.equal(said.exit, exit, said.stdout + said.stderr);
    const shown = form(said.stdout);
    if (UPDATE) await writeFile(join(GOLDEN, file), shown);
    assert.equal(shown, await readFile(join(GOLDEN, file), "utf8"), file);
  }
}

describe("what mtls-proxy verify shows (UPDATE_GOLDEN=1 after a wanted change)", function () {
  this.timeout(60_000);

  it("of a good proxy", async () => {
    await using directory = await temporaryDirectory();
    await using echo = await startBackend({ respond: ({ socket }, response) => response.end(socket.remoteAddress) });
    await using proxy = await startProxy({
      destinations: [
        destinationOf(echo, { name: "echo", path: "/echo" }),
        destinationOf(echo, { name: "erp", path: "/erp" }),
      ],
      clients: [{ name: "app-builder", generation: 2 }],
    });
    await syncSays(proxy, {});
    const old = await issueClient(proxy.ca, { generation: 1 });
    const [oldCert, oldKey] = [join(directory.path, "old.crt"), join(directory.path, "old.key")];
    await writeFile(oldCert, old.cert);
    await writeFile(oldKey, old.key);
    await assertGolden("good", 0, [
      ...(await filesOf(proxy, directory.path)),
      ...["--old-cert", oldCert, "--old-key", oldKey, "--echo-url", "/echo/ip", "--expect-egress", "127.0.0.1"],
    ]);
  });

  it("of a proxy with several faults", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend({ respond: (_, response) => response.end() });
    const dead = await freePort(10_000 + Math.floor(Math.random() * 9_000));
    await using proxy = await startProxy({
      destinations: [
        destinationOf(backend, { name: "erp", path: "/erp" }),
        { name: "pim", path: "/pim", url: `https://localhost:${dead}` },
      ],
    });
    await alter(proxy, "tls.conf", (text) =>
      text.replace(/ssl_ciphers (.*);/, "ssl_ciphers $1:ECDHE-ECDSA-AES128-SHA;"),
    );
    await syncSays(proxy, {
      wantedVersion: "0123456789abcdef",
      problem: {
        code: "key_mismatch",
        message: "server.key is not the key of server.crt.",
        since: "2026-01-02T03:04:05Z",
      },
      certificates: [
        { name: "server", daysLeft: 364 },
        { name: "destinations/pim.ca", daysLeft: 12 },
      ],
      destinations: [
        { name: "erp", path: "/erp/", health: "ok" },
        { name: "pim", path: "/pim/", health: "refused" },
      ],
    });
    const client = await issueClient(proxy.ca, { notAfter: fromNow(20.5 * DAY_MS) });
    await assertGolden("faults", 1, await filesOf({ ...proxy, client }, directory.path));
  });

  it("of a proxy that cannot be reached", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    const proxy = await startProxy({ destinations: [destinationOf(backend)] });
    const args = await filesOf(proxy, directory.path);
    await proxy[Symbol.asyncDispose]();
    await assertGolden("unreachable", 1, args);
  });
});
