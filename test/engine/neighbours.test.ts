import assert from "node:assert/strict";
import { inventory, makeNetwork } from "./emulatedAws";
import { Stack } from "./stack";

const SETTINGS = { destinations: [{ url: "https://api.example.com" }] };

describe("two stacks in one account and region", function () {
  this.timeout(300_000);
  let accountBefore: string[];
  let known: Awaited<ReturnType<typeof makeNetwork>>;
  let one: Stack;
  let other: Stack;

  before(async () => {
    [one, other] = await Promise.all([Stack.create(), Stack.create()]);
    known = await makeNetwork();
    accountBefore = await inventory();
    const { address: _, ...network } = known;
    await Promise.all([one.configure(SETTINGS), other.configure({ ...SETTINGS, network })]);
    for (const { succeeded, text } of await Promise.all([one.up(), other.up()])) assert.ok(succeeded, text);
  });
  after(async () => {
    await Promise.all([one, other].map((stack) => stack?.[Symbol.asyncDispose]()));
  });

  it("share no resource, no address and no credentials", async () => {
    const ids = await Promise.all([one, other].map(physicalIds));
    assert.deepEqual(
      ids[0]?.filter((id) => ids[1]?.includes(id)),
      [],
    );
    const outputs = await Promise.all([one.outputs(), other.outputs()]);
    for (const name of ["endpoint", "clientKey", "caCert", "bundleVersion"] as const)
      assert.notEqual(outputs[0]?.[name], outputs[1]?.[name], name);
  });

  it("live in a network and at an address that were there before, where that is set", async () => {
    const { endpoint, egressIps } = await other.outputs();
    assert.deepEqual([endpoint, egressIps], [`https://${known.address}`, [known.address]]);
    const made = (await other.resources()).map(({ type }) => type);
    for (const type of ["aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/eip:Eip"])
      assert.ok(!made.includes(type), type);
  });

  it("replace the machine, and nothing else but what shows it, when its generation is raised: its address stays", async () => {
    const { endpoint } = await one.outputs();
    await one.configure({ ...SETTINGS, machine: { generation: 2 } });
    const { succeeded, text, changes } = await one.up();
    assert.ok(succeeded, text);
    assert.deepEqual(changes, {
      "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-1": "delete",
      "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-2": "create",
      "aws:ec2/instance:Instance mtls-proxy-machine": "replace",
      "aws:cloudwatch/dashboard:Dashboard mtls-proxy-dashboard": "update", // it shows the new machine's processor
    });
    assert.equal((await one.outputs()).endpoint, endpoint);
  });

  it("leave each other alone when one is destroyed, and only what was there before when both are", async () => {
    const { succeeded, text } = await one.destroy();
    assert.ok(succeeded, text);
    const preview = await other.preview();
    assert.deepEqual(preview.changes, {});
    const last = await other.destroy();
    assert.ok(last.succeeded, last.text);
    assert.deepEqual(await inventory(), accountBefore);
  });
});

async function physicalIds(stack: Stack): Promise<string[]> {
  return (await stack.resources()).flatMap(({ id }) => id ?? []);
}
