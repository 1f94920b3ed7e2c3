import assert from "node:assert/strict";
import { startBackend } from "../support/backend";
import { temporaryDirectory } from "../support/directory";
import { destinationOf, startProxy } from "../support/proxy";
import { faultsIn, filesOf, report, syncSays, verify } from "./support/verifying";

describe("mtls-proxy verify", function () {
  this.timeout(60_000);

  it("passes on a good proxy", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
    await syncSays(proxy, {});
    const args = await filesOf(proxy, directory.path);
    const { exit, stdout, stderr } = await verify(args);
    assert.equal(exit, 0, stdout + stderr);
    assert.deepEqual(faultsIn(await report(args)), []);
  });
});
