import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { PublishedBundle } from "./bundle";
import type { FleetNetwork } from "./fleetNetwork";
import { groupNameOf, LIFECYCLE_HOOKS } from "./lifecycle";
import type { LoadBalancer } from "./loadBalancer";
import { firstBoot, LEFT_AS_IT_WAS } from "./machineTemplate";
import type { Part } from "./parts";
import type { MachineRole } from "./role";
import type { Settings } from "./settings";

/**
 * Seconds for which the load balancer's word about a new machine does not count: it serves already when they begin
 * (the launch hook waited for that), but the first looks at a new target can take two minutes.
 */
const HEALTH_GRACE = 180;
/** Seconds after which a new machine's load counts: it has done the work of its boot before it serves. */
const WARMUP = 60;
/** Every replacement is there before what it replaces goes, half as many more at once. */
const REPLACING = { minHealthyPercentage: 100, maxHealthyPercentage: 150 };
/** A machine's boot, and the load balancer's first looks at it. */
const LONGEST_START = "20m";

interface Surroundings {
  network: FleetNetwork;
  balancer: LoadBalancer;
  securityGroupId: pulumi.Input<string>;
  bundle: PublishedBundle;
  role: MachineRole;
}

/** As many machines as the load wants, spread over the zones; one that fails is replaced. */
export function scalingGroup(part: Part, settings: Settings, surroundings: Surroundings): aws.autoscaling.Group {
  const { name, tags, child } = part;
  const { network, balancer, bundle, role } = surroundings;
  const { fleet } = settings;
  const template = machineTemplate(part, settings, surroundings);
  const group = new aws.autoscaling.Group(
    `${name}-machines`,
    {
      name: groupNameOf(bundle.secret),
      // How many there are between the two is for the scaling policy to say, and no setting takes it back.
      minSize: fleet.min,
      maxSize: fleet.max,
      vpcZoneIdentifiers: network.privateSubnetIds,
      targetGroupArns: [balancer.targets.arn],
      launchTemplate: { id: template.id, version: "$Latest" },
      initialLifecycleHooks: LIFECYCLE_HOOKS,
      healthCheckType: "ELB",
      healthCheckGracePeriod: HEALTH_GRACE,
      defaultInstanceWarmup: WARMUP,
      instanceRefresh: { strategy: "Rolling", preferences: REPLACING },
      minElbCapacity: fleet.min,
      waitForCapacityTimeout: LONGEST_START,
      tags: Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: true })),
    },
    {
      ...child,
      protect: fleet.deletionProtection,
      dependsOn: [balancer.listener, bundle.published, role.granted, ...network.wayOut],
    },
  );
  new aws.autoscaling.Policy(
    `${name}-machines`,
    {
      autoscalingGroupName: group.name,
      policyType: "TargetTrackingScaling",
      // Connections say little: most are kept and idle. What a proxy runs out of is processor time.
      targetTrackingConfiguration: {
        predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
        targetValue: fleet.targetCpuPercent,
      },
    },
    child,
  );
  return group;
}

/**
 * A template of its own for each generation and type of machine, left as it is whatever else changes: so those two
 * replace the machines, one after the other, and nothing else does.
 */
function machineTemplate(
  { name, tags, child }: Part,
  { machine: { generation, instanceType } }: Settings,
  { securityGroupId, bundle, role }: Surroundings,
): aws.ec2.LaunchTemplate {
  return new aws.ec2.LaunchTemplate(
    `${name}-machines-${generation}-${instanceType.replace(".", "-")}`,
    {
      description: "mtls-proxy: a machine of the fleet",
      ...firstBoot(bundle.secret),
      instanceType,
      iamInstanceProfile: { name: role.instanceProfileName },
      networkInterfaces: [
        { associatePublicIpAddress: "false", securityGroups: [securityGroupId], deleteOnTermination: "true" },
      ],
      // Load by the minute, else by five: the fleet would grow that much later.
      monitoring: { enabled: true },
      tagSpecifications: [{ resourceType: "volume", tags }],
      tags,
    },
    { ...child, ignoreChanges: LEFT_AS_IT_WAS },
  );
}
