import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { makeNetwork, query } from "./emulatedAws";
import { Stack } from "./stack";

const DESTINATIONS = [{ url: "https://api.myhost.com" }];

describe("a stack that takes over the address of a hand-made proxy", function () {
  this.timeout(300_000);

  it("keeps its CA and its clients' certificates, serves at that address, and leaves it behind when it goes", async () => {
    const { allocationId, address } = await makeNetwork();
    await using stack = await Stack.create();
    await stack.configure({ destinations: DESTINATIONS });
    const beside = await stack.up();
    assert.ok(beside.succeeded, beside.text);
    const before = await stack.outputs();
    assert.notEqual(before.endpoint, `https://${address}`);

    await stack.configure({ destinations: DESTINATIONS, network: { allocationId } });
    const moved = await stack.up();
    assert.ok(moved.succeeded, moved.text);
    const after = await stack.outputs();
    assert.equal(after.endpoint, `https://${address}`);
    assert.deepEqual(after.egressIps, [address]);
    for (const output of ["caCert", "clientCert", "clientKey"] as const) assert.equal(after[output], before[output]);
    assert.match(new X509Certificate(after.caCert).subject, /CN=/);
    assert.ok(!Object.keys(moved.changes).some((name) => name.startsWith("aws:ec2/instance:")), "the machine stays");

    assert.ok((await stack.destroy()).succeeded);
    assert.ok((await query("ec2", "DescribeAddresses")).includes(allocationId));
    await query("ec2", "ReleaseAddress", { AllocationId: allocationId });
  });
});
