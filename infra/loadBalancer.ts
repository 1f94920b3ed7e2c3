import { HEALTH_PATH, HEALTH_PORT } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { elasticIp } from "./address";
import type { FleetNetwork } from "./fleetNetwork";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** Seconds between two looks at a machine; the second failure takes it out. */
const HEALTH_INTERVAL = 10;
const LOOKS = 2;
/**
 * Seconds for which a leaving machine counts as draining. It need not be long: connections outlive it (see
 * `connectionTermination`), and the group's terminate hook waits for the machine to end them.
 */
const DEREGISTRATION_DELAY = 30;

/**
 * Seconds for which connections outlive their machine's health. A leaving machine is unhealthy for 120 s in which it
 * goes on serving, and for 75 s in which it ends what it has begun (proxy/machine/files/sync/fleet.py). Cut at once, as
 * is Amazon's default, its requests would be lost: github.com/kubernetes-sigs/cluster-api-provider-aws/pull/5589.
 */
const UNHEALTHY_DRAINING = 200;

/** What a fleet's callers reach. */
export interface LoadBalancer {
  resource: aws.lb.LoadBalancer;
  /** One in each zone. */
  addresses: pulumi.Output<string>[];
  targets: aws.lb.TargetGroup;
  /** Without it nothing comes through. */
  listener: pulumi.Resource;
}

/**
 * It passes TCP on, so that TLS ends on our nginx and no key leaves it.
 * @param securityGroupId there from creation: a load balancer that was made without one takes none later
 */
export function loadBalancer(
  part: Part,
  { port, fleet }: Settings,
  network: FleetNetwork,
  securityGroupId: pulumi.Input<string>,
): LoadBalancer {
  const { name, tags, child } = part;
  const entrances = network.publicSubnetIds.map((subnetId, index) => ({
    subnetId,
    address: elasticIp(part, `entrance-${index + 1}`),
  }));
  const resource = new aws.lb.LoadBalancer(
    `${name}-entrance`,
    {
      loadBalancerType: "network",
      internal: false,
      securityGroups: [securityGroupId],
      subnetMappings: entrances.map(({ subnetId, address }) => ({ subnetId, allocationId: address.allocationId })),
      // Else a zone's address is dead with the zone's last machine, until callers ask DNS again; it costs $0.01 a GB
      // for what goes from zone to zone.
      enableCrossZoneLoadBalancing: true,
      enableDeletionProtection: fleet.deletionProtection,
      tags,
    },
    // AWS alone would refuse it late: `pulumi destroy` would have taken the machines first.
    { ...child, protect: fleet.deletionProtection, dependsOn: network.wayOut },
  );
  const targets = targetGroup(part, { port, vpcId: network.vpcId });
  const listener = new aws.lb.Listener(
    `${name}-callers`,
    {
      loadBalancerArn: resource.arn,
      port,
      protocol: "TCP",
      defaultActions: [{ type: "forward", targetGroupArn: targets.arn }],
      tags,
    },
    child,
  );
  return { resource, addresses: entrances.map(({ address }) => address.publicIp), targets, listener };
}

function targetGroup({ name, tags, child }: Part, { port, vpcId }: { port: number; vpcId: pulumi.Input<string> }) {
  return new aws.lb.TargetGroup(
    `${name}-machines`,
    {
      vpcId,
      targetType: "instance",
      protocol: "TCP",
      port,
      // Limits are counted by the caller's address, and the log names it.
      preserveClientIp: "true",
      healthCheck: {
        protocol: "HTTP",
        port: String(HEALTH_PORT),
        path: HEALTH_PATH,
        matcher: "200",
        interval: HEALTH_INTERVAL,
        healthyThreshold: LOOKS,
        unhealthyThreshold: LOOKS,
      },
      deregistrationDelay: DEREGISTRATION_DELAY,
      // A leaving machine ends its connections itself, each after its answer; cut from here, requests would be lost.
      connectionTermination: false,
      targetHealthStates: [
        { enableUnhealthyConnectionTermination: false, unhealthyDrainingInterval: UNHEALTHY_DRAINING },
      ],
      tags,
    },
    child,
  );
}
