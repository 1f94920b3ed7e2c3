import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Network } from "./network";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** The address that the backend's firewall and the actions know. */
export interface Address {
  publicIp: pulumi.Output<string>;
  networkInterfaceId: pulumi.Output<string>;
  /** What must be there for the address to answer. */
  ready: pulumi.Resource;
}

/**
 * An Elastic IP on a network interface of its own: the machine has the address from its first second,
 * and its successor has the same.
 */
export function fixedAddress(part: Part, settings: Settings, { subnetId, securityGroupId }: Network): Address {
  const { name, tags, child } = part;
  const networkInterface = new aws.ec2.NetworkInterface(
    `${name}-interface`,
    {
      subnetId,
      securityGroups: [securityGroupId],
      description: "mtls-proxy: keeps its address when the machine is replaced",
      tags,
    },
    child,
  );
  const { allocationId, publicIp } = existingAllocation(settings) ?? ownAllocation(part);
  const ready = new aws.ec2.EipAssociation(
    `${name}-address`,
    { allocationId, networkInterfaceId: networkInterface.id },
    child,
  );
  return { publicIp, networkInterfaceId: networkInterface.id, ready };
}

interface Allocation {
  allocationId: pulumi.Input<string>;
  publicIp: pulumi.Output<string>;
}

/** One that firewalls know already; it is not made, and not released. */
function existingAllocation({ network: { allocationId } }: Settings): Allocation | undefined {
  return allocationId
    ? { allocationId, publicIp: aws.ec2.getElasticIpOutput({ id: allocationId }).publicIp }
    : undefined;
}

function ownAllocation({ name, tags, child }: Part): Allocation {
  const address = new aws.ec2.Eip(`${name}-address`, { domain: "vpc", tags }, child);
  return { allocationId: address.allocationId, publicIp: address.publicIp };
}
