import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startBackend } from "../support/backend";
import { finished, mtlsProxy, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { destinationOf, startProxy } from "../support/proxy";
import { codeBlocks } from "./codeBlocks";

const REPOSITORY = join(__dirname, "../..");
const README = join(REPOSITORY, "README.md");

/** Blocks of commands, and the test that runs them where it is not this one. */
const RUN_BY: Record<string, string> = {
  "npm ci && npm start": "test/newcomer/newcomer.test.ts",
  "npm ci && npm test": ".ci/run",
  "pulumi stack init dev": "test/engine/readme.test.ts",
  "npx --no mtls-proxy env --stack dev --file ../my-app/.env": "test/engine/readme.test.ts",
  "pulumi destroy": "test/engine/readme.test.ts",
  "npm pack -w action-lib -w cli": "here",
  "npx --no mtls-proxy local --destination https://api.myhost.com": "here",
};

describe("README", function () {
  this.timeout(60_000);

  it("shows no command that no test runs", async () => {
    for (const { language, text } of await codeBlocks(README)) {
      if (language !== "sh") continue;
      const [first = ""] = text.split("\n");
      const test = RUN_BY[first];
      assert.ok(test, `nothing runs: ${first}`);
      if (test === "here") continue;
      const runner = await readFile(join(REPOSITORY, test), "utf8");
      assert.ok(
        runner.includes(test.startsWith("test/engine") ? "README" : (first.split("&& ").at(-1) ?? "")),
        `${test} does not run: ${first}`,
      );
    }
  });

  it("shows an action that works as it stands", async () => {
    const [action] = (await codeBlocks(README)).filter(({ language }) => language === "ts");
    const directory = await mkdtemp(join(REPOSITORY, "examples/.readme-"));
    try {
      await writeFile(join(directory, "action.ts"), action?.text ?? "");
      await using backend = await startBackend();
      await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
      const { main } = await import(join(directory, "action.ts"));
      const { statusCode, body } = await main({
        __AIO_MTLS_ENDPOINT: proxy.endpoint,
        __AIO_MTLS_CERT: proxy.client.cert,
        __AIO_MTLS_KEY: proxy.client.key,
        __AIO_MTLS_CA: proxy.ca.cert,
      });
      assert.equal(statusCode, 200);
      assert.equal(body.url, "/path/to/resource?param=value");
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("packs both packages by its command", async () => {
    await using directory = await temporaryDirectory();
    const { exit, stdout } = await finished(
      run("npm", ["pack", "-w", "action-lib", "-w", "cli", "--pack-destination", directory.path]),
    );
    assert.equal(exit, 0);
    for (const name of ["app-builder-mtls", "mtls-proxy"]) {
      const tarball = stdout.split("\n").find((line) => line.startsWith(`${name}-`) && line.endsWith(".tgz"));
      assert.ok(tarball && existsSync(join(directory.path, tarball)), `${name} was packed`);
    }
  });

  it("runs the proxy for development by its command, with a destination that is there", async () => {
    await using backend = await startBackend();
    await using directory = await temporaryDirectory();
    const command = mtlsProxy(["local", "--destination", backend.url], { cwd: directory.path });
    await command.says("serving   https://127.0.0.1:");
    command.signal("SIGINT");
    assert.equal(await command.ended, 0);
  });
});
