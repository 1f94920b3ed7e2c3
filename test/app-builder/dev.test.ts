import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { parse } from "dotenv-of-aio";
import { freePort } from "../../cli/src/local/ports";
import type { RunningCommand } from "../support/commandLine";
import { App } from "./support/app";
import { type Company, credentialsOf, PRODUCT, readable, startCompany } from "./support/backends";
import { makeDevelopmentKeys } from "./support/developmentKeys";
import { assertHoldsNoKey } from "./support/keys";

const LOGGED_IN = { authorization: "Bearer token", "x-gw-ims-org-id": "org" };

describe("`aio app dev` against `mtls-proxy local`", function () {
  this.timeout(300_000);

  let company: Company;
  let app: App;
  let proxy: RunningCommand;
  let dev: RunningCommand;
  let ca: string;
  let base: string;

  before(async () => {
    [company, app] = await Promise.all([startCompany(), App.create()]);
    const { erp, pim } = company;
    const destinations = [
      { name: "erp", path: "/erp", url: erp.url, ca: erp.ca },
      { name: "pim", path: "/pim", url: pim.url, ca: pim.ca },
    ];
    await app.write("local.yaml", JSON.stringify({ destinations, port: await freePort(10_443) }));
    proxy = await app.script("local:proxy");
    await proxy.says("serving");
    ca = await makeDevelopmentKeys(app.directory);
    await app.build();
    dev = await app.aio(["app", "dev"], { PORT: String(await freePort(19_080)) });
    await dev.says("press CTRL+C", 120_000);
    base = /https:\/\/localhost:\d+\/api\/v1\/web\/backend\//.exec(dev.stdout)?.[0] ?? assert.fail(dev.stdout);
  });
  after(async () => {
    await Promise.all([company, dev, proxy].map((part) => part?.[Symbol.asyncDispose]()));
    await app?.[Symbol.asyncDispose]();
  });

  async function call(path: string, body?: object): Promise<{ status?: number; body: unknown }> {
    const headers = body ? { ...LOGGED_IN, "content-type": "application/json" } : LOGGED_IN;
    const sent = request(new URL(path, base), { ca, headers, method: body ? "POST" : "GET" });
    sent.end(body && JSON.stringify(body));
    const [answer]: IncomingMessage[] = await once(sent, "response");
    assert.ok(answer);
    return { status: answer.statusCode, body: await json(answer) };
  }

  it("answers a request from the backends behind the proxy", async () => {
    const { status, body } = await call("get-product?sku=4711");
    assert.deepEqual({ status, body: readable(body) }, { status: 200, body: PRODUCT });
    assert.deepEqual((await call("reserve-stock", { sku: "4711", pieces: 2 })).body, { sku: "4711", reserved: 2 });
    await proxy.says(/GET \/erp\/stock\/4711/);
  });

  it("calls no other server for a caller who sends credentials of their own", async () => {
    const theirs = credentialsOf(company.proxy);
    const quiet = await company.proxy.accessLog();
    const query = new URLSearchParams({ sku: "4711", ...theirs });
    assert.deepEqual(readable((await call(`get-product?${query}`, theirs)).body), PRODUCT);
    assert.equal((await call("reserve-stock", { sku: "4711", pieces: 2, ...theirs })).status, 502);
    assert.equal(await company.proxy.accessLog(), quiet);
  });

  it("shows the key nowhere: not in what it prints, not in what it builds", async () => {
    const { __AIO_MTLS_CERT: cert = "", __AIO_MTLS_KEY: key = "" } = parse(await readFile(app.path(".env")));
    assert.match(key, /PRIVATE KEY/);
    const texts = [dev.stdout, dev.stderr, proxy.stdout, proxy.stderr];
    for (const entry of await readdir(app.path("dist/application"), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) texts.push(await readFile(join(entry.parentPath, entry.name), "latin1"));
    for (const text of texts) assertHoldsNoKey(text, { client: { cert, key } });
  });
});
