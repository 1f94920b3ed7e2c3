import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createMtlsFetch } from "app-builder-mtls";
import { parse } from "dotenv-of-aio";
import { freePort } from "../../cli/src/local/ports";
import { startBackend } from "../support/backend";
import { issueCa, issueServer } from "../support/certificates";
import { finished, mtlsProxy } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { startDns } from "../support/dns";
import { fetchBundle } from "./emulatedAws";
import { serveBundle } from "./servedBundle";
import { REPOSITORY, Stack } from "./stack";

const HOST = "pim.example.com";

describe("the chain from pulumi up to an action's answer", function () {
  this.timeout(240_000);

  it("holds: the published bundle, a real nginx, and what mtls-proxy env wrote as aio's dotenv reads it", async () => {
    const ca = await issueCa();
    await using backend = await startBackend({ certificate: await issueServer(ca, { names: [HOST] }) });
    await using stack = await Stack.create();
    const port = await freePort(10_000 + Math.floor(Math.random() * 9_000));
    await stack.configure({
      destinations: [{ name: "pim", url: `https://${HOST}:${backend.port}`, path: "/pim", ca: ca.cert }],
      port,
    });
    const { succeeded, text } = await stack.up();
    assert.ok(succeeded, text);

    const { bundleVersion, egressIps } = await stack.outputs();
    const bundle = await fetchBundle(await secretOf(stack));
    assert.equal(bundle.version, bundleVersion);
    const [address = ""] = egressIps;
    await using dns = await startDns({ [HOST]: "127.0.0.1" });
    await using _ = await serveBundle(bundle, { address, port, resolver: dns.address, systemCa: ca.cert });

    await using directory = await temporaryDirectory();
    const file = join(directory.path, ".env");
    const written = await finished(
      mtlsProxy(["env", "--stack", stack.name, "--file", file], { cwd: REPOSITORY, env: stack.environment }),
    );
    assert.equal(written.exit, 0, written.stderr);
    const response = await createMtlsFetch(parse(await readFile(file)))("/pim/products?id=4711");
    assert.equal(response.status, 200);
    assert.deepEqual(
      backend.seen.map(({ url, headers }) => [url, headers.host, headers["x-mtls-client"]]),
      [["/products?id=4711", `${HOST}:${backend.port}`, "app-builder"]],
    );
  });
});

async function secretOf(stack: Stack): Promise<string> {
  const secret = (await stack.resources()).find(({ type }) => type === "aws:secretsmanager/secret:Secret");
  return secret?.id ?? assert.fail("the stack has no secret");
}
