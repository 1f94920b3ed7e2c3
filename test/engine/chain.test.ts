import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse } from "dotenv-of-aio";
import { freePort } from "../../cli/src/local/ports";
import { startBackend } from "../support/backend";
import { issueCa, issueServer } from "../support/certificates";
import { finished, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { startDns } from "../support/dns";
import { publishedBundle } from "./publishedBundle";
import { serveBundle } from "./servedBundle";
import { REPOSITORY, Stack } from "./stack";

const HOST = "pim.example.com";

describe("the chain from pulumi up to an action's answer", function () {
  this.timeout(240_000);

  it("holds: the published bundle, a real nginx, both packages from their tarballs, and .env as aio's dotenv reads it", async () => {
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
    const bundle = await publishedBundle(stack);
    assert.equal(bundle.version, bundleVersion);
    const [address = ""] = egressIps;
    await using dns = await startDns({ [HOST]: "127.0.0.1" });
    await using _ = await serveBundle(bundle, { address, port, resolver: dns.address, systemCa: ca.cert });

    await using app = await appWithBothPackages();
    const typed = (command: string) => finished(run("sh", ["-c", command], { cwd: app.path, env: stack.environment }));
    const written = await typed(`npx --no mtls-proxy env --stack ${stack.name} --cwd ${REPOSITORY} --file .env`);
    assert.equal(written.exit, 0, written.stderr);
    const { createMtlsFetch } = createRequire(join(app.path, "package.json"))("app-builder-mtls");
    const response = await createMtlsFetch(parse(await readFile(join(app.path, ".env"))))("/pim/products?id=4711");
    assert.equal(response.status, 200);
    assert.deepEqual(
      backend.seen.map(({ url, headers }) => [url, headers.host, headers["x-mtls-client"]]),
      [["/products?id=4711", `${HOST}:${backend.port}`, "app-builder"]],
    );
    const verified = await typed(`npx --no mtls-proxy verify --stack ${stack.name} --cwd ${REPOSITORY}`);
    assert.equal(verified.exit, 0, verified.stdout + verified.stderr);
  });
});

/** A project of a user's own that has installed both packages from their tarballs and nothing else. */
async function appWithBothPackages() {
  const directory = await temporaryDirectory();
  const inside = { cwd: directory.path };
  const done = async (command: Promise<{ exit: unknown; stderr: string }>) => {
    const { exit, stderr } = await command;
    assert.equal(exit, 0, stderr);
  };
  await writeFile(join(directory.path, "package.json"), '{ "private": true }\n');
  await done(finished(run("npm", ["pack", "-w", "action-lib", "-w", "cli", "--pack-destination", directory.path])));
  const tarballs = (await readdir(directory.path)).filter((name) => name.endsWith(".tgz"));
  await done(finished(run("npm", ["install", "--no-audit", "--no-fund", ...tarballs], inside)));
  return directory;
}
