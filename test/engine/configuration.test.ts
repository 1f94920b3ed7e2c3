import assert from "node:assert/strict";
import { issueCa, issueClient } from "../support/certificates";
import { Stack } from "./stack";

const DESTINATION = { url: "https://api.example.com" };

describe("a configuration that cannot be used", function () {
  this.timeout(180_000);

  for (const attempt of ["preview", "up"] as const) {
    it(`is refused at ${attempt} before the first resource, in one message without a stack trace`, async () => {
      await using stack = await Stack.create();
      await stack.configure({
        destinations: [{ ...DESTINATION, url: "http://api.example.com" }],
        hostnmae: "mtls.example.com",
        allowLocalDestinations: true,
        port: 8443,
        nginx: { version: "1.20" },
        network: { vpcId: "vpc-0123456789abcdef0" },
        machine: { instanceType: "m5.large" },
      });
      const { succeeded, errors, text } = await stack[attempt]();
      assert.equal(succeeded, false);
      assert.equal(errors.length, 1, text);
      for (const place of [
        "destinations[0].url",
        "hostnmae",
        "allowLocalDestinations",
        "port",
        "nginx.version",
        "network.subnetId",
        "machine.instanceType",
      ])
        assert.ok(errors[0]?.includes(`  ${place}: `), `${place} is named in:\n${text}`);
      assert.ok(!text.includes(".ts:"), text);
      const made = (await stack.resources()).map(({ type }) => type);
      assert.deepEqual(
        made.filter((type) => type !== "pulumi:pulumi:Stack"),
        [],
      );
    });
  }

  it("is one without destinations", async () => {
    await using stack = await Stack.create();
    await stack.configure({});
    const { errors, text } = await stack.preview();
    assert.ok(errors[0]?.includes("destinations: must list at least one destination"), text);
  });

  it("is one with a destination's key in clear, which is not shown", async () => {
    await using stack = await Stack.create();
    const { cert, key } = await issueClient(await issueCa());
    await stack.configure({ destinations: [{ ...DESTINATION, clientCert: cert, clientKey: key }] });
    const { errors, text } = await stack.preview();
    assert.ok(errors[0]?.includes("pulumi config set --secret --path 'destinations[0].clientKey'"), text);
    assert.ok(!text.includes("PRIVATE KEY"));
  });
});
