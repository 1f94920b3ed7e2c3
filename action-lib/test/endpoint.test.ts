import assert from "node:assert/strict";
import fc from "fast-check";
import { urlAt } from "../src/endpoint";

const ENDPOINT = "https://proxy.example.com:10443";

describe("urlAt", () => {
  it("leads where a browser would go from the endpoint, and never away from it", () => {
    const traps = [..."/\\\t\n\r @:?#\0", "..", "evil.example.com", "%2f"];
    const path = fc
      .array(fc.oneof(fc.constantFrom(...traps), fc.string({ maxLength: 3, unit: "binary" })), { maxLength: 8 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(path, (input) => {
        const expected = URL.canParse(input, ENDPOINT) ? new URL(input, ENDPOINT) : undefined;
        if (expected?.origin === ENDPOINT && expected.username + expected.password === "")
          assert.equal(new URL(urlAt(ENDPOINT, input)).href, expected.href);
        else assert.throws(() => urlAt(ENDPOINT, input), { code: /^ERR_MTLS_URL_/ });
      }),
      { numRuns: 5_000 },
    );
  });
});
