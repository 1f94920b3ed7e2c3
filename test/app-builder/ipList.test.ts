import assert from "node:assert/strict";
import { finished, mtlsProxy } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { developerEnvironment } from "./support/aio";

describe("mtls-proxy ip-list with Adobe's own aio", function () {
  this.timeout(600_000);

  // Its list needs a login and an organisation, so this is as far as it goes; the rest stands in test/ipList.
  it("says that the aio on the PATH is too old for the list, though that ends as if all were well", async () => {
    await using home = await temporaryDirectory();
    const env = await developerEnvironment(home.path);
    const { exit, stdout, stderr } = await finished(mtlsProxy(["ip-list", "--stack", "dev"], { cwd: home.path, env }));
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_AIO_TOO_OLD: .* Type: aio update\.\n$/);
    assert.equal(stdout, "");
  });
});
