import assert from "node:assert/strict";
import { main as axios } from "../../action-lib/test/recipes/axios";
import { main as got } from "../../action-lib/test/recipes/got";
import { main as httpsRequest } from "../../action-lib/test/recipes/https-request";
import { main as nodeFetch } from "../../action-lib/test/recipes/node-fetch";
import { main as undici } from "../../action-lib/test/recipes/undici";
import { credentialsOf } from "../app-builder/support/backends";
import { type Backend, startBackend } from "../support/backend";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";

// Adobe's package has no types, so its recipe has none.
const { main: aioLib } = require("../../action-lib/test/recipes/aio-lib-core-networking");

const RECIPES = {
  "node-fetch": nodeFetch,
  axios,
  "got 14": got,
  "undici 7": undici,
  "https.request": httpsRequest,
  "@adobe/aio-lib-core-networking": aioLib,
};

describe("the recipes of docs/library.md, through the proxy", () => {
  let backend: Backend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startBackend({
      respond: ({ url, headers }, response) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ url, client: headers["x-mtls-client"] }));
      },
    });
    proxy = await startProxy({ destinations: [destinationOf(backend)] });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });

  for (const [name, main] of Object.entries(RECIPES)) {
    it(`reach the backend as the listed client, call after call: ${name}`, async () => {
      for (let call = 0; call < 3; call++) {
        const answer = await main(credentialsOf(proxy) as Parameters<typeof main>[0]);
        assert.deepEqual(answer, { statusCode: 200, body: { url: "/path", client: "app-builder" } });
      }
    });

    it(`reach it again after the proxy has reloaded: ${name}`, async () => {
      const params = credentialsOf(proxy) as Parameters<typeof main>[0];
      await main(params);
      await proxy.change({ limits: { bodyMegabytes: 200 + Object.keys(RECIPES).indexOf(name) } });
      assert.equal((await main(params)).statusCode, 200);
    });
  }
});
