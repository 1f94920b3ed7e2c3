import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { parse as parseDotenv } from "dotenv-of-aio";
import { parse as parseYaml } from "yaml";
import { installNodes, NODE_RELEASES } from "../pack/nodes";
import { App } from "./support/app";
import { type Company, credentialsOf, PRODUCT, readable, startCompany } from "./support/backends";
import type { Params } from "./support/container";
import { assertHoldsNoKey } from "./support/keys";

const ACTIONS = ["get-product", "reserve-stock"];
/** What a bundle may weigh more with the library than without it, and an archive. */
const LIBRARY_LIMIT_BYTES = { bundle: 64_000, zip: 24_000 };

describe("the application as `aio app build` builds it", function () {
  this.timeout(600_000);

  let nodes: Map<number, string>;
  let company: Company;
  let app: App;
  let said: string;

  before(async () => {
    [nodes, company, app] = await Promise.all([installNodes(), startCompany(), App.create()]);
    await app.writeEnv(credentialsOf(company.proxy));
    said = await app.build();
  });
  after(async () => {
    await Promise.all([company, app].map((part) => part?.[Symbol.asyncDispose]()));
  });

  /** An action's inputs, as Runtime has them from app.config.yaml and `.env`. */
  async function inputsOf(action: string): Promise<Params> {
    const config = parseYaml(await readFile(app.path("app.config.yaml"), "utf8"));
    const variables = parseDotenv(await readFile(app.path(".env")));
    const inputs: Record<string, string> = config.application.runtimeManifest.packages.backend.actions[action].inputs;
    return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, variables[value.slice(1)]]));
  }

  for (const release of NODE_RELEASES) {
    it(`calls two destinations from its TypeScript action on Node ${release}, as Runtime loads it`, async () => {
      const container = await app.container("get-product", nodes.get(release) ?? "");
      const inputs = await inputsOf("get-product");
      for (let activation = 0; activation < 3; activation++) {
        const { statusCode, body } = await container.run({ ...inputs, __ow_query: "sku=4711" });
        assert.deepEqual({ statusCode, body: readable(body) }, { statusCode: 200, body: PRODUCT }, container.log);
      }
      assertHoldsNoKey(container.log, company.proxy);
    });

    it(`sends a body from its JavaScript action on Node ${release}`, async () => {
      const container = await app.container("reserve-stock", nodes.get(release) ?? "");
      const result = await container.run({ ...(await inputsOf("reserve-stock")), sku: "4711", pieces: 2 });
      assert.deepEqual(result, { statusCode: 200, body: { sku: "4711", reserved: 2 } });
      assert.deepEqual(company.reservations.at(-1), {
        path: "/stock/4711/reservations",
        body: '{"pieces":2}',
        client: "app-builder",
      });
    });
  }

  it("holds no key and no certificate, and what the build prints holds none", async () => {
    assertHoldsNoKey(said, company.proxy);
    for (const action of ACTIONS) {
      assertHoldsNoKey(await app.bundle(action), company.proxy);
      assertHoldsNoKey(await readFile(app.zip(action), "latin1"), company.proxy);
    }
  });

  it("tells a caller no more than that it failed, and the log what to do, without a key", async () => {
    const inputs = await inputsOf("get-product");
    const container = await app.container("get-product", process.execPath);
    for (const [wrong, code] of [
      [{ __AIO_MTLS_ENDPOINT: "https://127.0.0.1:1" }, "ERR_MTLS_UNREACHABLE"],
      [{ __AIO_MTLS_CERT: "" }, "ERR_MTLS_EMPTY"],
      [{ __AIO_MTLS_CERT: inputs.__AIO_MTLS_KEY }, "ERR_MTLS_SWAPPED"],
    ] as const) {
      assert.deepEqual(await container.run({ ...inputs, ...wrong, __ow_query: "sku=1" }), {
        statusCode: 502,
        body: { error: "the product cannot be read now" },
      });
      assert.match(container.log, new RegExp(`${code} `));
    }
    assertHoldsNoKey(container.log, company.proxy);
  });

  it("grows by the library no more than its limit", async () => {
    await using bare = await App.create();
    await bare.writeEnv(credentialsOf(company.proxy));
    await bare.write("actions/get-product/index.ts", "export const main = async () => ({ statusCode: 204 });\n");
    await bare.build();
    const weigh = async (built: App) => ({
      bundle: Buffer.byteLength(await built.bundle("get-product")),
      zip: (await stat(built.zip("get-product"))).size,
    });
    const [withLibrary, without] = await Promise.all([weigh(app), weigh(bare)]);
    for (const part of ["bundle", "zip"] as const) {
      process.stderr.write(`      ${part}: ${withLibrary[part]} bytes, ${without[part]} without library and calls\n`);
      assert.ok(withLibrary[part] - without[part] < LIBRARY_LIMIT_BYTES[part], part);
    }
  });

  it("is not built without the proxy's address, which its code pins", async () => {
    await using fresh = await App.create();
    const { exit, stderr } = await fresh.finish(["app", "build"]);
    assert.notEqual(exit, 0);
    assert.match(stderr.replace(/\s*›\s*/g, " "), /\.env has no __AIO_MTLS_ENDPOINT.* Type: npm run env/);
  });
});
