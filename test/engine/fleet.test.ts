import assert from "node:assert/strict";
import { inventory, machinesOfFleets, query, values } from "./emulatedAws";
import { publishedBundle } from "./publishedBundle";
import { type Changes, type Outcome, Stack } from "./stack";

const HOSTNAME = "mtls.example.com";
const DESTINATION = { url: "https://api.example.com" };
const SETTINGS = { destinations: [DESTINATION], hostname: HOSTNAME, network: { reserveFleetIps: true } };
const GROUP = "aws:autoscaling/group:Group mtls-proxy-machines";
const BALANCER = "aws:lb/loadBalancer:LoadBalancer mtls-proxy-entrance";

/**
 * What the emulator reads back wrong, so that every run shows an update of it; a real account reads back what was
 * written. The fields: a load balancer's subnetMappings (without their addresses), a group's defaultInstanceWarmup
 * (0), a policy's targetTrackingConfiguration, a launch template's tagSpecifications (the template's own tags, too).
 */
const MISREAD: Changes = {
  [BALANCER]: "update",
  [GROUP]: "update",
  "aws:autoscaling/policy:Policy mtls-proxy-machines": "update",
  "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machines-1-t4g-micro": "update",
};
/** And it refuses to set those subnetMappings anew. */
const NOT_UPDATED = [BALANCER];

const withoutMisread = ({ changes }: Outcome): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([resource]) => !(resource in MISREAD)));

describe("a fleet", function () {
  this.timeout(400_000);
  let accountBefore: string[];
  let stack: Stack;
  let promised: string[];
  let machines: string[];

  before(async () => {
    accountBefore = await inventory();
    stack = await Stack.create();
    await up({ topology: "single" });
    promised = (await stack.outputs()).egressIps;
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  /** Protection is another test's; here the load balancer, once made, is left as it is. */
  async function up(settings: Record<string, unknown>, except: string[] = []): Promise<Outcome> {
    const fleet = { deletionProtection: false, ...(settings.fleet as object) };
    await stack.configure({ ...SETTINGS, ...settings, fleet });
    const outcome = await stack.up({}, except);
    assert.ok(outcome.succeeded, outcome.text);
    return outcome;
  }

  it("goes out by the addresses that single has promised, and is called by the same name", async () => {
    assert.equal(promised.length, 3);
    const { endpoint } = await stack.outputs();
    await up({ topology: "fleet" });
    const outputs = await stack.outputs();
    assert.deepEqual([...outputs.egressIps].sort(), [...promised].sort());
    assert.deepEqual([endpoint, outputs.endpoint], Array(2).fill(`https://${HOSTNAME}`));
    assert.match(outputs.hostnameTarget ?? "", /\.elb\.amazonaws\.com$/);
    machines = await machinesOfFleets();
    assert.equal(machines.length, 2);
  });

  it("leaves nothing of the single machine but its address", async () => {
    const types = (await stack.resources()).map(({ type }) => type);
    for (const type of ["Instance", "NetworkInterface", "EipAssociation"])
      assert.deepEqual(
        types.filter((made) => made.endsWith(`:${type}`)),
        [],
      );
  });

  it("shows no change when nothing was changed, but for what the emulator misreads", async () => {
    const outcome = await stack.preview();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(outcome.changes, MISREAD);
  });

  it("tells its machines their group, by the name that AWS has", async () => {
    const { files } = await publishedBundle(stack);
    const group = (await stack.resources()).find(({ type }) => type === GROUP.split(" ")[0]);
    assert.equal(JSON.parse(files["fleet.json"] ?? "").autoScalingGroup, group?.id);
    assert.ok(files["health.conf"]);
  });

  it("touches the bundle alone, and no machine, when a destination is added", async () => {
    const other = { name: "orders", path: "/orders/", url: "https://orders.example.com" };
    const outcome = await up({ topology: "fleet", destinations: [DESTINATION, other] }, NOT_UPDATED);
    assert.deepEqual(withoutMisread(outcome), {
      "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle": "replace",
    });
    assert.deepEqual(await machinesOfFleets(), machines);
  });

  it("is scaled otherwise when that is set, and no machine is touched", async () => {
    const outcome = await up({ topology: "fleet", fleet: { max: 9, targetCpuPercent: 60 } }, NOT_UPDATED);
    assert.deepEqual(withoutMisread(outcome), {
      "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle": "replace", // the destination is gone again
    });
    assert.deepEqual(values(await query("autoscaling", "DescribeAutoScalingGroups"), "MaxSize"), ["9"]);
    assert.deepEqual(values(await query("autoscaling", "DescribePolicies"), "TargetValue").map(Number), [60]);
    assert.deepEqual(await machinesOfFleets(), machines);
  });

  it("becomes a single machine again, at the address that it had", async () => {
    await up({ topology: "single" });
    assert.deepEqual((await stack.outputs()).egressIps, promised);
    assert.deepEqual(await machinesOfFleets(), []);
  });

  it("leaves nothing behind when it is destroyed", async () => {
    const { succeeded, text } = await stack.destroy();
    assert.ok(succeeded, text);
    assert.deepEqual(await inventory(), accountBefore);
  });
});
