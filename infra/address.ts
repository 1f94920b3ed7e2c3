import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Network } from "./network";
import type { Part } from "./parts";
import type { Settings } from "./settings";
import { natCount } from "./topologySettings";

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

const ownAllocation = (part: Part, settings: Settings): aws.ec2.Eip => knownToFirewalls(part, settings, "address");

/** The address that calls through the NAT gateway of a zone come from. */
export const natAddress = (part: Part, settings: Settings, zone: number): aws.ec2.Eip =>
  knownToFirewalls(part, settings, `nat-${zone}`);

/** Somebody else keeps the firewall: with `keepAddress` nothing in Pulumi gives such an address back to AWS. */
const knownToFirewalls = (part: Part, { network }: Settings, what: string): aws.ec2.Eip =>
  elasticIp(part, what, { retainOnDelete: network.keepAddress });

/** What the other topology's calls would come from, held for it, so that firewalls can know it before the change. */
export function reservedIps(part: Part, settings: Settings): pulumi.Output<string>[] {
  const { topology, network, fleet } = settings;
  if (!network.reserveFleetIps) return [];
  if (topology === "single")
    return Array.from({ length: natCount(fleet) }, (_, index) => natAddress(part, settings, index + 1).publicIp);
  const { allocationId } = network;
  return [
    allocationId ? aws.ec2.getElasticIpOutput({ id: allocationId }).publicIp : ownAllocation(part, settings).publicIp,
  ];
}

export function elasticIp(
  { name, tags, child }: Part,
  what: string,
  options: pulumi.CustomResourceOptions = {},
): aws.ec2.Eip {
  return new aws.ec2.Eip(`${name}-${what}`, { domain: "vpc", tags }, { ...child, ...options });
}
