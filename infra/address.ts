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
  const own = settings.network.allocationId ? undefined : ownAllocation(part, settings);
  const association = new aws.ec2.EipAssociation(
    `${name}-address`,
    {
      allocationId: own?.allocationId ?? settings.network.allocationId,
      networkInterfaceId: networkInterface.id,
      // an address that is taken over may still be with the machine of before
      allowReassociation: true,
    },
    child,
  );
  return {
    // Of an existing one AWS tells the address with the association; it is neither made nor released here.
    publicIp: own?.publicIp ?? association.publicIp,
    networkInterfaceId: networkInterface.id,
    ready: association,
  };
}

function ownAllocation({ name, tags, child }: Part, { network }: Settings): aws.ec2.Eip {
  // A firewall that somebody else keeps knows this address: with `keepAddress` nothing in Pulumi gives it back to AWS.
  return new aws.ec2.Eip(`${name}-address`, { domain: "vpc", tags }, { ...child, retainOnDelete: network.keepAddress });
}
