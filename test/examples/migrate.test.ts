import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../cli/src/local/ports";
import { codeBlocks } from "../docs/codeBlocks";
import { startBackend } from "../support/backend";
import { temporaryDirectory } from "../support/directory";
import { destinationOf, startProxy } from "../support/proxy";

const exec = promisify(execFile);
const REPOSITORY = join(__dirname, "../..");

/** As the guide makes a pair: self-signed, RSA, without a name. */
async function byTheGuide(directory: string, name: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const how = ["req", "-x509", "-nodes", "-days", "3650", "-newkey", "rsa:2048", "-subj", "/C=CH/O=My host"];
  await exec("openssl", [...how, "-keyout", key, "-out", cert]);
  return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
}

/** What the guide's action does. */
const OLD_WAY = `
import { request } from "node:https";

export const fetchByOldProxy = (params, url) =>
  new Promise((resolve, reject) => {
    const { __AIO_MTLS_OLD_CERT: cert, __AIO_MTLS_OLD_KEY: key } = params;
    request(url, { cert, key, rejectUnauthorized: false }, (response) => {
      let text = "";
      response.on("data", (chunk) => { text += chunk; });
      response.on("end", () => resolve({ status: response.statusCode, json: async () => JSON.parse(text) }));
    }).on("error", reject).end();
  });
`;

describe("docs/migrate.md", function () {
  this.timeout(60_000);

  it("shows an action that is served by the old proxy, and by the new one as soon as that has the address", async () => {
    await using directory = await temporaryDirectory();
    const old = {
      server: await byTheGuide(directory.path, "server"),
      client: await byTheGuide(directory.path, "client"),
    };
    const port = await freePort(15_000);
    await using backend = await startBackend();
    const settings = { destinations: [destinationOf(backend)] };
    await using elsewhere = await startProxy(settings);
    const [block] = (await codeBlocks(join(REPOSITORY, "docs/migrate.md"))).filter(({ language }) => language === "ts");
    const source = (block?.text ?? "").replace("https://203.0.113.7", `https://127.0.0.1:${port}`);
    const code = await mkdtemp(join(REPOSITORY, "examples/.migrate-"));
    try {
      await writeFile(join(code, "action.ts"), source);
      await writeFile(join(code, "old-proxy.ts"), OLD_WAY);
      const { main } = await import(join(code, "action.ts"));
      const newParams = ({ endpoint, client, ca }: typeof elsewhere) => ({
        __AIO_MTLS_OLD_CERT: old.client.cert,
        __AIO_MTLS_OLD_KEY: old.client.key,
        __AIO_MTLS_ENDPOINT: endpoint,
        __AIO_MTLS_CERT: client.cert,
        __AIO_MTLS_KEY: client.key,
        __AIO_MTLS_CA: ca.cert,
      });
      {
        await using _ = await startBackend({
          respond: (request, response) => response.end(JSON.stringify({ by: "the old proxy", url: request.url })),
          certificate: old.server,
          tls: { ca: old.client.cert, requestCert: true, rejectUnauthorized: true },
          port,
        });
        assert.deepEqual(await main(newParams(elsewhere)), {
          statusCode: 200,
          body: { by: "the old proxy", url: "/path/to/resource?param=value" },
        });
      }
      await using moved = await startProxy({ ...settings, port });
      const { statusCode, body } = await main(newParams(moved));
      assert.deepEqual([statusCode, body.url], [200, "/path/to/resource?param=value"]);
      assert.equal(body.headers["x-mtls-client"], "app-builder");
    } finally {
      await rm(code, { recursive: true });
    }
  });
});
