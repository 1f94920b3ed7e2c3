import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SettingsError } from "@app-builder-mtls/proxy";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { readConfiguration } from "../configuration";
import { readSettings, stackSettings } from "../settings";

const DESTINATION = { url: "https://api.example.com" };
const VPC = "vpc-0123456789abcdef0";

const settingsOf = (values: Record<string, unknown>, encrypted: string[] = []) =>
  stackSettings({ values: { destinations: [DESTINATION], ...values }, encrypted: new Set(encrypted) });

function problemsOf(values: Record<string, unknown>): string[] {
  try {
    settingsOf(values);
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.problems.map(({ place, allowed }) => `${place}: ${allowed}`);
  }
  return [];
}

describe("a stack's settings", () => {
  it("are complete with nothing but a destination", () => {
    const { topology, network, machine, monitoring, tags } = settingsOf({});
    assert.deepEqual(
      { topology, network, machine, monitoring, tags },
      {
        topology: "single",
        network: { keepAddress: false },
        machine: { instanceType: "t4g.micro", generation: 1, terminationProtection: false },
        monitoring: { enabled: true, logRetentionDays: 30, errorPercent: 5, refusalsPerFiveMinutes: 20 },
        tags: {},
      },
    );
  });

  for (const [what, values, problem] of [
    [
      "a subnet without its VPC",
      { network: { subnetId: "subnet-0123456789abcdef0" } },
      /^network\.vpcId: must be given together with subnetId/,
    ],
    ["a VPC without its subnet", { network: { vpcId: VPC } }, /^network\.subnetId: must be given together with vpcId/],
    [
      "an identifier of another kind",
      { network: { allocationId: VPC } },
      /^network\.allocationId: must be an identifier such as eipalloc-/,
    ],
    ["an Intel machine", { machine: { instanceType: "t3.micro" } }, /^machine\.instanceType: must be a Graviton/],
    ["a nano", { machine: { instanceType: "t4g.nano" } }, /^machine\.instanceType: .*too small for dnf/],
    [
      "a hosted zone without a host name",
      { network: { hostedZoneId: "Z0123456789ABCDEFGHIJ" } },
      /^hostname: must be given together with network\.hostedZoneId/,
    ],
    [
      "an nginx that loses moving destinations",
      { nginx: { version: "1.26.2" } },
      /^nginx\.version: must be 1\.27\.3 at least/,
    ],
    ["private destinations", { allowLocalDestinations: true }, /^allowLocalDestinations: must be left out/],
    ["a topology that does not exist", { topology: "fleet" }, /^topology: must be single/],
    ...["operations", "a@example.com, b@example.com", "a b@example.com", "<a@example.com>", ""].map(
      (email) =>
        [
          `an e-mail address such as ${JSON.stringify(email)}`,
          { monitoring: { email } },
          /^monitoring\.email: must be one e-mail address/,
        ] as const,
    ),
    [
      "a period that CloudWatch does not keep logs for",
      { monitoring: { logRetentionDays: 31 } },
      /^monitoring\.logRetentionDays: must be a number of days that CloudWatch keeps logs for: 1, 3, 5, 7, 14, 30, 60, 90/,
    ],
    [
      "a period of logs that is no number",
      { monitoring: { logRetentionDays: "30" } },
      /^monitoring\.logRetentionDays: must be a number of days/,
    ],
    ["no tolerance for errors", { monitoring: { errorPercent: 0 } }, /^monitoring\.errorPercent: .* from 1 to 100/],
    [
      "no tolerance for refusals",
      { monitoring: { refusalsPerFiveMinutes: 0 } },
      /^monitoring\.refusalsPerFiveMinutes: must be a whole number from 1/,
    ],
    [
      "monitoring with a log that nothing can be counted from",
      { logFormat: "text" },
      /^logFormat: must be json, .*, unless monitoring\.enabled is false/,
    ],
    ["a tag of Amazon's own", { tags: { "aws:owner": "me" } }, /^tags: must be up to 40 names/],
    ["a tag that is no text", { tags: { number: 1 } }, /^tags\.number: must be up to 40 names/],
    ["a misspelled key", { netwrok: {} }, /^netwrok: unknown setting, did you mean network\?/],
    ["a misspelled key inside", { machine: { type: "t4g.micro" } }, /^machine\.type: unknown setting, did you mean/],
  ] as const) {
    it(`refuse ${what}`, () => {
      const problems = problemsOf(values);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", problem);
    });
  }

  it("allow every Graviton family that is not a nano", () => {
    for (const instanceType of [
      "t4g.micro",
      "m7g.large",
      "c6gn.xlarge",
      "m6gd.metal",
      "r8g.48xlarge",
      "x2gd.medium",
      "im4gn.large",
    ])
      assert.deepEqual(problemsOf({ machine: { instanceType } }), [], instanceType);
  });

  it("are told all at once, the proxy's and the stack's", () => {
    const problems = problemsOf({ port: 80, hostnmae: "x", machine: { generation: 0 }, network: { vpcId: VPC } });
    assert.deepEqual(problems.map((problem) => problem.split(":")[0]).sort(), [
      "hostnmae",
      "machine.generation",
      "network.subnetId",
      "port",
    ]);
  });
});

describe("a stack's configuration", () => {
  const NAME = "app-builder-mtls";
  const configure = (values: Record<string, string>, secrets: string[] = []) => {
    const ours = Object.entries(values).map(([key, value]) => [`${NAME}:${key}`, value]);
    pulumi.runtime.setAllConfig({ ...Object.fromEntries(ours), "aws:region": "eu-west-1" }, secrets);
  };

  before(() => pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }, NAME, "dev"));
  afterEach(() => pulumi.runtime.setAllConfig({}));

  it("is read whole: other projects' keys left out, numbers and lists as what they are, empty ones as absent", () => {
    configure({
      port: "10443",
      hostname: "",
      logFormat: "text",
      destinations: '[{"url":"https://a.example.com"}]',
      odd: "1",
    });
    assert.deepEqual(readConfiguration().values, {
      port: 10_443,
      hostname: undefined,
      logFormat: "text",
      destinations: [{ url: "https://a.example.com" }],
      odd: 1,
    });
  });

  it("ends in an error that Pulumi prints without a stack trace, and that keeps its cause", () => {
    configure({ destinations: "[]" });
    assert.throws(readSettings, (error: Error) => {
      assert.ok(pulumi.RunError.isInstance(error));
      assert.match(
        error.message,
        /^The settings have a problem:\n {2}destinations: must list at least one destination/,
      );
      assert.ok(error.cause instanceof SettingsError);
      return true;
    });
  });
});

describe("Pulumi.yaml", () => {
  const file = (name: string) => parse(readFileSync(join(__dirname, "../..", name), "utf8"));
  const declared: Record<string, { default: unknown; description: string }> = file("Pulumi.yaml").config;

  it("describes every setting that a stack has, and no other", () => {
    const { allowLocalDestinations: _, ...settings } = settingsOf({ hostname: "mtls.example.com" });
    assert.deepEqual(Object.keys(declared).sort(), Object.keys(settings).sort());
    for (const [name, { description }] of Object.entries(declared)) assert.ok(description, name);
  });

  it("has the same defaults as the program", () => {
    const defaults = Object.entries(declared)
      .map(([name, { default: value }]) => [name, value])
      .filter(([name, value]) => name !== "destinations" && value !== "");
    assert.deepEqual(settingsOf(Object.fromEntries(defaults)), settingsOf({}));
  });

  it("comes with an example that is right", () => {
    const values = Object.entries(file("Pulumi.dev.yaml").config)
      .filter(([key]) => key.startsWith("app-builder-mtls:"))
      .map(([key, value]) => [key.replace("app-builder-mtls:", ""), value]);
    assert.deepEqual(problemsOf(Object.fromEntries(values)), []);
  });
});
