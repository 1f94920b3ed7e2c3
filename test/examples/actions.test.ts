import assert from "node:assert/strict";
import { main } from "../../examples/app-builder/actions/get-stock";
import { startBackend } from "../support/backend";
import { destinationOf, startProxy } from "../support/proxy";

describe("the example's action get-stock", function () {
  this.timeout(60_000);

  it("answers with what the backend says, through the proxy", async () => {
    await using backend = await startBackend({
      respond: (request, response) => response.end(JSON.stringify({ path: request.url, stock: 42 })),
    });
    await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
    const credentials = {
      __AIO_MTLS_ENDPOINT: proxy.endpoint,
      __AIO_MTLS_CERT: proxy.client.cert,
      __AIO_MTLS_KEY: proxy.client.key,
      __AIO_MTLS_CA: proxy.ca.cert,
    };
    assert.deepEqual(await main({ ...credentials, __ow_query: "sku=4711" }), {
      statusCode: 200,
      body: { path: "/stock/4711", stock: 42 },
    });
  });

  it("refuses a product number that could lead elsewhere", async () => {
    for (const query of ["", "sku=", "sku=../admin", `sku=${"1".repeat(41)}`]) {
      assert.equal((await main({ __ow_query: query })).statusCode, 400);
    }
  });

  it("tells a caller no more than that it failed, and the log what to do, without a key", async () => {
    const logged: unknown[][] = [];
    const { error } = console;
    console.error = (...words: unknown[]) => logged.push(words);
    try {
      const answer = await main({
        __ow_query: "sku=1",
        __AIO_MTLS_ENDPOINT: "https://203.0.113.7",
        __AIO_MTLS_KEY: "-----BEGIN PRIVATE KEY-----\nsecret",
      });
      assert.deepEqual(answer, { statusCode: 502, body: { error: "the backend cannot be reached" } });
    } finally {
      console.error = error;
    }
    assert.match(String(logged[0]), /^ERR_MTLS_/);
    assert.doesNotMatch(JSON.stringify(logged), /secret/);
  });
});
