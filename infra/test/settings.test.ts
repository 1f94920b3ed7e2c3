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
const SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"];

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
    const { topology, network, fleet, machine, monitoring, tags } = settingsOf({});
    assert.deepEqual(
      { topology, network, fleet, machine, monitoring, tags },
      {
        topology: "single",
        network: { keepAddress: false, reserveFleetIps: false, elasticIpQuota: 5 },
        fleet: {
          zones: 2,
          min: 2,
          max: 6,
          targetCpuPercent: 50,
          natGateways: "perZone",
          deletionProtection: true,
        },
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
    ["a quota below AWS's own", { network: { elasticIpQuota: 4 } }, /^network\.elasticIpQuota: .* from 5 to 1000/],
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
    ["a topology that does not exist", { topology: "cluster" }, /^topology: must be single or fleet/],
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

  for (const [what, values, problem] of [
    ["without a host name", { hostname: undefined }, /^hostname: must be given with topology fleet: .* only a name/],
    ["of one machine", { fleet: { min: 1 } }, /^fleet\.min: must be a whole number from 2 to 500/],
    ["that may not be as large as it must", { fleet: { min: 8 } }, /^fleet\.max: must be min \(8\) at least/],
    ["in one zone", { fleet: { zones: 1 } }, /^fleet\.zones: must be a whole number from 2 to 6/],
    [
      "with more addresses than the quota",
      { fleet: { zones: 3 } },
      /^fleet\.zones: must do with 5 Elastic IPs.* needs 6 \(3 for the load balancer, 3 for NAT gateways\).*natGateways to one, .* network\.elasticIpQuota/,
    ],
    ["with two NAT gateways for all", { fleet: { natGateways: "two" } }, /^fleet\.natGateways: must be perZone or one/],
    ["with a single's subnet", { network: { subnetId: SUBNETS[0] } }, /^network\.subnetId: must be left out beside/],
    [
      "in a VPC without its subnets",
      { network: { vpcId: VPC, privateSubnetIds: SUBNETS } },
      /^network\.publicSubnetIds: must be given together with vpcId and privateSubnetIds/,
    ],
    [
      "in subnets without their VPC",
      { network: { publicSubnetIds: SUBNETS, privateSubnetIds: SUBNETS } },
      /^network\.vpcId: must be given together with publicSubnetIds and privateSubnetIds/,
    ],
    [
      "with a subnet too few",
      { network: { vpcId: VPC, publicSubnetIds: SUBNETS, privateSubnetIds: SUBNETS.slice(1) } },
      /^network\.privateSubnetIds: must list 2, one for each of fleet\.zones/,
    ],
    [
      "with a subnet twice",
      { network: { vpcId: VPC, publicSubnetIds: SUBNETS, privateSubnetIds: [SUBNETS[0], SUBNETS[0]] } },
      /^network\.privateSubnetIds: must be a list of subnets, a different one for each zone/,
    ],
    [
      "with the address of a single, which it has no use for",
      { network: { allocationId: "eipalloc-0123456789abcdef0" } },
      /^network\.allocationId: must be left out beside topology fleet: .* network\.reserveFleetIps keeps it/,
    ],
    [
      "with machines that cannot be ended",
      { machine: { terminationProtection: true } },
      /^machine\.terminationProtection: must be false with topology fleet, .* fleet\.deletionProtection/,
    ],
  ] as [string, Record<string, unknown>, RegExp][]) {
    it(`refuse a fleet ${what}`, () => {
      const problems = problemsOf({ topology: "fleet", hostname: "mtls.example.com", ...values });
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", problem);
    });
  }

  it("refuse in a single what only a fleet has, unless it is reserved", () => {
    assert.match(
      problemsOf({ fleet: { zones: 3 } })[0] ?? "",
      /^fleet: must be left out beside topology single, unless/,
    );
    const network = { vpcId: VPC, subnetId: SUBNETS[0] };
    const subnets = { ...network, publicSubnetIds: SUBNETS };
    assert.match(
      problemsOf({ network: subnets })[0] ?? "",
      /^network\.publicSubnetIds: must be left out beside topology/,
    );
    const reserving = { ...network, reserveFleetIps: true };
    assert.match(
      problemsOf({ network: reserving })[0] ?? "",
      /^network\.reserveFleetIps: must be false beside network/,
    );
    assert.deepEqual(problemsOf({ network: { reserveFleetIps: true }, fleet: { natGateways: "one" } }), []);
  });

  it("count the addresses of both topologies where they are reserved", () => {
    const reserved = (fleet: object, elasticIpQuota = 5) =>
      problemsOf({ network: { reserveFleetIps: true, elasticIpQuota }, fleet });
    assert.deepEqual(reserved({ zones: 2 }), []);
    assert.match(
      reserved({ zones: 3 })[0] ?? "",
      /needs 7 \(3 for the load balancer, 3 for NAT gateways, 1 for single\)/,
    );
    assert.deepEqual(reserved({ zones: 3 }, 7), []);
    assert.deepEqual(reserved({ zones: 3, natGateways: "one" }), []);
  });

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
