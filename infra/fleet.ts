import * as pulumi from "@pulumi/pulumi";
import { reservedIps } from "./address";
import { fleetDoors } from "./fleetDoors";
import { fleetNetwork } from "./fleetNetwork";
import { loadBalancer } from "./loadBalancer";
import type { Part } from "./parts";
import { scalingGroup } from "./scaling";
import type { Settings } from "./settings";
import type { Topology } from "./topology";

/**
 * Machines in several zones behind a load balancer: when one is lost, or a zone, the others answer.
 * Callers and destinations see addresses that stay: the load balancer's, and the NAT gateways'.
 */
export function fleet(part: Part, settings: Settings): Topology {
  const network = fleetNetwork(part, settings);
  const doors = fleetDoors(part, settings, network.vpcId);
  const balancer = loadBalancer(part, settings, network, doors.callers);
  return {
    entrance: {
      addresses: balancer.addresses,
      target: balancer.resource.dnsName,
      targetZoneId: balancer.resource.zoneId,
    },
    egressIps: pulumi.all([network.egressIps, pulumi.all(reservedIps(part, settings))]).apply((ips) => ips.flat()),
    serve: (bundle, role) => {
      const surroundings = { network, balancer, securityGroupId: doors.machines, bundle, role };
      const group = scalingGroup(part, settings, surroundings);
      // Told once the group is there: an alarm that was there before would ring for its first boot.
      const counted = {
        TargetGroup: group.id.apply(() => balancer.targets.arnSuffix),
        LoadBalancer: group.id.apply(() => balancer.resource.arnSuffix),
      };
      return { dimension: "AutoScalingGroupName", id: group.name, counted, ready: group };
    },
  };
}
