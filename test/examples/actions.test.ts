import assert from "node:assert/strict";
import { main } from "../../examples/app-builder/actions/get-product";
import { credentialsOf, PRODUCT, readable, startCompany } from "../app-builder/support/backends";

describe("the example's action get-product", function () {
  this.timeout(60_000);

  it("answers with what both backends say, through the proxy", async () => {
    await using company = await startCompany();
    const params = credentialsOf(company.proxy);
    for (const __ow_query of ["sku=4711", { sku: "4711" }]) {
      const { statusCode, body } = await main({ ...params, __ow_query });
      assert.deepEqual({ statusCode, body: readable(body) }, { statusCode: 200, body: PRODUCT });
    }
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
      assert.deepEqual(answer, { statusCode: 502, body: { error: "the product cannot be read now" } });
    } finally {
      console.error = error;
    }
    assert.match(String(logged[0]), /^ERR_MTLS_/);
    assert.doesNotMatch(JSON.stringify(logged), /secret/);
  });
});
