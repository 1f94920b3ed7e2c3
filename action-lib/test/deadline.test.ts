import assert from "node:assert/strict";
import { timeoutError } from "../src/connection-error";
import { activationDeadline, callLimit } from "../src/deadline";

describe("the time that a call may take", () => {
  const now = Date.now();

  afterEach(() => {
    delete process.env.__OW_DEADLINE;
    delete process.env.__OW_ACTIVATION_ID;
  });

  it("is 55 s by default, below the 60 s of a web action", () => {
    assert.equal(callLimit(undefined, undefined, now), 55_000);
  });

  it("is what was asked for, where no deadline is known", () => {
    assert.equal(callLimit(600_000, undefined, now), 600_000);
  });

  it("ends a second before the activation does", () => {
    assert.equal(callLimit(undefined, now + 30_000, now), 29_000);
    assert.equal(callLimit(20_000, now + 30_000, now), 20_000);
  });

  it("leaves a tenth of the rest when little is left", () => {
    assert.equal(callLimit(undefined, now + 100, now), 90);
  });

  it("knows the deadline from Runtime alone", () => {
    assert.equal(activationDeadline(), undefined);
    process.env.__OW_DEADLINE = "";
    assert.equal(activationDeadline(), undefined);
    process.env.__OW_DEADLINE = String(now);
    assert.equal(activationDeadline(), now);
  });

  it("blames the port, in Runtime, when the connection was never made", () => {
    process.env.__OW_ACTIVATION_ID = "1";
    for (const [port, code] of Object.entries({
      8443: "ERR_MTLS_PORT_SHUT",
      443: "ERR_MTLS_TIMEOUT",
      10000: "ERR_MTLS_TIMEOUT",
      20000: "ERR_MTLS_TIMEOUT",
      20001: "ERR_MTLS_PORT_SHUT",
    })) {
      assert.equal(timeoutError(100, `https://proxy.example.com:${port}`, true).code, code);
      assert.equal(timeoutError(100, `https://proxy.example.com:${port}`, false).code, "ERR_MTLS_TIMEOUT");
    }
  });
});
