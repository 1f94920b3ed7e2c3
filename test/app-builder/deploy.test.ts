import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { parse } from "dotenv-of-aio";
import { finished, run } from "../support/commandLine";
import { startProxy } from "../support/proxy";
import { App } from "./support/app";
import { type Company, credentialsOf, PRODUCT, readable, startCompany } from "./support/backends";
import { infrastructure } from "./support/infrastructure";
import { assertHoldsNoKey } from "./support/keys";
import { type EmulatedRuntime, startRuntime } from "./support/runtime";
import { parametersOf, type WebRequest } from "./support/webAction";

const LOGGED_IN = { authorization: "Bearer token", "x-gw-ims-org-id": "org" };

/** A JSON body in a request of somebody who is logged in. */
const post = (body: unknown): Partial<WebRequest> => ({
  method: "POST",
  headers: { ...LOGGED_IN, "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** All ways to choose some of them. */
const choices = (names: string[]): string[][] =>
  Array.from({ length: 2 ** names.length }, (_, bits) => names.filter((_name, index) => bits & (1 << index)));

describe("the application as its script `deploy` deploys it", function () {
  this.timeout(600_000);

  let company: Company;
  let runtime: EmulatedRuntime;
  let app: App;

  before(async () => {
    [company, runtime, app] = await Promise.all([startCompany(), startRuntime(process.execPath), App.create()]);
    await infrastructure(app.parent, company.proxy);
  });
  after(async () => {
    await Promise.all([company, runtime, app].map((part) => part?.[Symbol.asyncDispose]()));
  });

  it("is stopped by its hook when .env is out of date, and refreshes .env by its script", async () => {
    await app.writeEnv({ ...credentialsOf(company.proxy), __AIO_MTLS_CERT: "last year's" });
    const stopped = await app.finish(["app", "deploy"], runtime.environment);
    assert.notEqual(stopped.exit, 0);
    assert.match(stopped.stderr, /\.env is out of date: __AIO_MTLS_CERT\. Type: mtls-proxy env/);
    assert.deepEqual([...runtime.entities.keys()], []);

    const env = { ...app.environment, ...runtime.environment };
    const deployed = await finished(run("npm", ["run", "deploy"], { cwd: app.directory, env }));
    assert.equal(deployed.exit, 0, deployed.stdout + deployed.stderr);
    assert.deepEqual({ ...parse(await readFile(app.path(".env"))) }, credentialsOf(company.proxy));
    assertHoldsNoKey(deployed.stdout + deployed.stderr, company.proxy);
  });

  it("gives each action the credentials byte for byte, and its code none of them", () => {
    for (const name of ["backend/__secured_get-product", "backend/__secured_reserve-stock"]) {
      const entity = runtime.entities.get(name) ?? assert.fail(`${name} was not deployed`);
      assert.deepEqual(parametersOf(entity), credentialsOf(company.proxy));
      assertHoldsNoKey(Buffer.from(entity.exec.code ?? "", "base64").toString("latin1"), company.proxy);
    }
  });

  it("answers its callers from the backends, and nobody who is not logged in", async () => {
    const request = { query: "sku=4711", headers: LOGGED_IN };
    const { statusCode, body } = await runtime.request("backend/get-product", request);
    assert.deepEqual({ statusCode, body: readable(body) }, { statusCode: 200, body: PRODUCT });
    const reserved = await runtime.request("backend/reserve-stock", post({ sku: "4711", pieces: 3 }));
    assert.deepEqual(reserved, { statusCode: 200, body: { sku: "4711", reserved: 3 } });
    assert.equal(company.reservations.at(-1)?.client, "app-builder");
    assert.equal((await runtime.request("backend/get-product", { query: "sku=4711" })).statusCode, 401);
    assert.equal((await runtime.request("backend/__secured_get-product", request)).statusCode, 404);
  });

  it("lets a caller who sends credentials of their own, any of the four, reach no other server by either action", async () => {
    await using stranger = await startProxy({ destinations: [{ url: company.erp.url, ca: company.erp.ca }] });
    const theirs = credentialsOf(stranger);
    const quiet = await stranger.accessLog();
    for (const names of choices(Object.keys(theirs))) {
      const overrides = Object.fromEntries(names.map((name) => [name, theirs[name] ?? ""]));

      const query = new URLSearchParams({ sku: "4711", ...overrides }).toString();
      const read = await runtime.request("backend/get-product", { ...post(overrides), query });
      assert.deepEqual(readable(read.body), PRODUCT, "raw: nothing is overridden");

      const before = company.reservations.length;
      const reserved = await runtime.request("backend/reserve-stock", post({ sku: "4711", pieces: 1, ...overrides }));
      const isOurs = names.length === 0;
      assert.equal(reserved.statusCode, isOurs ? 200 : 502, names.join());
      assert.equal(company.reservations.length - before, isOurs ? 1 : 0);
    }
    assert.equal(await stranger.accessLog(), quiet, "nothing reached the stranger's server");
    assertHoldsNoKey(runtime.logs, company.proxy);
  });
});

/** How an action can stand in app.config.yaml, and what its caller can do there about its inputs. */
const FORMS: Record<string, { manifest: object; outcome: "overridden" | "refused" | "kept" }> = {
  yes: { manifest: { web: "yes" }, outcome: "overridden" },
  "yes-final": { manifest: { web: "yes", annotations: { final: true } }, outcome: "refused" },
  "yes-final-auth": {
    manifest: { web: "yes", annotations: { final: true, "require-adobe-auth": true } },
    outcome: "overridden",
  },
  raw: { manifest: { web: "raw" }, outcome: "kept" },
  "raw-final-auth": {
    manifest: { web: "raw", annotations: { final: true, "require-adobe-auth": true } },
    outcome: "kept",
  },
};

const ECHO = "exports.main = ({ SECRET }) => ({ statusCode: 200, body: { SECRET } });\n";

describe("an action's inputs, as `aio app deploy` deploys them,", function () {
  this.timeout(600_000);

  let runtime: EmulatedRuntime;
  let app: App;

  before(async () => {
    [runtime, app] = await Promise.all([startRuntime(process.execPath), App.create()]);
    const actions = Object.entries(FORMS).map(([name, { manifest }]) => [
      name,
      { function: "actions/echo.js", runtime: "nodejs:22", inputs: { SECRET: "$SECRET" }, ...manifest },
    ]);
    const packages = { forms: { license: "Apache-2.0", actions: Object.fromEntries(actions) } };
    await app.write("app.config.yaml", JSON.stringify({ application: { runtimeManifest: { packages } } }));
    await app.write("actions/echo.js", ECHO);
    await app.writeEnv({ SECRET: "ours", __AIO_MTLS_ENDPOINT: "https://127.0.0.1:10443" });
    const { exit, stdout, stderr } = await app.finish(["app", "deploy"], runtime.environment);
    assert.equal(exit, 0, stdout + stderr);
  });
  after(async () => {
    await Promise.all([runtime, app].map((part) => part?.[Symbol.asyncDispose]()));
  });

  for (const [form, { outcome }] of Object.entries(FORMS)) {
    it(`are ${outcome} when a caller sends others, in the form ${form}`, async () => {
      for (const request of [{ query: "SECRET=theirs", headers: LOGGED_IN }, post({ SECRET: "theirs" })]) {
        const { statusCode, body } = await runtime.request(`forms/${form}`, request);
        if (outcome === "refused") assert.equal(statusCode, 400);
        else assert.deepEqual(body, { SECRET: outcome === "kept" ? "ours" : "theirs" });
      }
    });
  }
});
