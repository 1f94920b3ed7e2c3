import assert from "node:assert/strict";
import { inventory } from "./emulatedAws";
import { Stack } from "./stack";

const SETTINGS = { destinations: [{ url: "https://api.example.com" }] };

describe("two stacks in one account and region", function () {
  this.timeout(180_000);
  let accountBefore: string[];
  let one: Stack;
  let other: Stack;

  before(async () => {
    accountBefore = await inventory();
    [one, other] = await Promise.all([Stack.create(), Stack.create()]);
    await Promise.all([one, other].map((stack) => stack.configure(SETTINGS)));
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

  it("replace the machine, and nothing else, when its generation is raised: its address stays", async () => {
    const { endpoint } = await one.outputs();
    await one.configure({ ...SETTINGS, machine: { generation: 2 } });
    const { succeeded, text, changes } = await one.up();
    assert.ok(succeeded, text);
    assert.deepEqual(changes, {
      "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-1": "delete",
      "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-2": "create",
      "aws:ec2/instance:Instance mtls-proxy-machine": "replace",
    });
    assert.equal((await one.outputs()).endpoint, endpoint);
  });

  it("leave each other alone when one is destroyed, and nothing behind when both are", async () => {
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
