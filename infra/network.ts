import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { letCallersIn } from "./callers";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** Where a machine stands and what reaches it. */
export interface Network {
  subnetId: pulumi.Input<string>;
  securityGroupId: pulumi.Input<string>;
  /** Without it the machine has no way out: an existing subnet has its own. */
  wayOut: pulumi.Resource[];
}

/** One public subnet in a VPC of its own, or the user's own; and a security group that lets in the proxy's port and nothing else. */
export function networkFor(part: Part, settings: Settings): Network {
  const { vpcId, subnetId, wayOut } = existingSubnet(settings) ?? ownSubnet(part, settings);
  const door = doorway(part, settings, vpcId);
  mayGoOut(part, door);
  return { subnetId, securityGroupId: door.id, wayOut };
}

interface Subnet {
  vpcId: pulumi.Input<string>;
  subnetId: pulumi.Input<string>;
  wayOut: pulumi.Resource[];
}

function existingSubnet({ network: { vpcId, subnetId } }: Settings): Subnet | undefined {
  return vpcId && subnetId ? { vpcId, subnetId, wayOut: [] } : undefined;
}

/** Small, because nothing else belongs into it; it is peered with nothing, so it may have anybody's addresses. */
const VPC_ADDRESSES = "10.0.0.0/24";
const SUBNET_ADDRESSES = "10.0.0.0/26";

function ownSubnet(part: Part, { machine }: Settings): Subnet {
  const vpc = ownVpc(part, VPC_ADDRESSES);
  const zone = zonesWith(machine.instanceType, 1).apply(([first = ""]) => first);
  const place = { what: "subnet", routes: "routes", cidrBlock: SUBNET_ADDRESSES, zone };
  const subnet = publicSubnet(part, vpc, place);
  return { vpcId: vpc.id, subnetId: subnet.id, wayOut: [vpc.wayOut, subnet.routed] };
}

/** A VPC of the stack's own, and its way to the internet. */
export interface OwnVpc {
  id: pulumi.Output<string>;
  arn: pulumi.Output<string>;
  /** What is associated with it is public. */
  publicRoutes: aws.ec2.RouteTable;
  wayOut: pulumi.Resource;
}

export function ownVpc({ name, tags, child }: Part, cidrBlock: string): OwnVpc {
  const { id, arn } = new aws.ec2.Vpc(`${name}-vpc`, { cidrBlock, tags }, child);
  // Amazon makes one with every VPC, in which everything may talk to everything; adopted to be emptied.
  new aws.ec2.DefaultSecurityGroup(`${name}-unused`, { vpcId: id, ingress: [], egress: [], tags }, child);
  const gateway = new aws.ec2.InternetGateway(`${name}-gateway`, { vpcId: id, tags }, child);
  const publicRoutes = new aws.ec2.RouteTable(`${name}-routes`, { vpcId: id, tags }, child);
  const wayOut = new aws.ec2.Route(
    `${name}-way-out`,
    { routeTableId: publicRoutes.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
    child,
  );
  return { id, arn, publicRoutes, wayOut };
}

/** Where a subnet is, and how its resources are named. */
interface SubnetPlace {
  what: string;
  /** Its association with its routes; as the subnet, unless it is told. */
  routes?: string;
  cidrBlock: string;
  zone: pulumi.Input<string>;
}

export interface PlacedSubnet {
  id: pulumi.Output<string>;
  /** Without it nothing in the subnet finds a way out. */
  routed: pulumi.Resource;
}

export const publicSubnet = (part: Part, vpc: OwnVpc, place: SubnetPlace): PlacedSubnet =>
  placedSubnet(part, { vpcId: vpc.id, routes: vpc.publicRoutes }, place);

export function placedSubnet(
  { name, tags, child }: Part,
  { vpcId, routes }: { vpcId: pulumi.Input<string>; routes: aws.ec2.RouteTable },
  { what, routes: association = what, cidrBlock, zone }: SubnetPlace,
): PlacedSubnet {
  const { id } = new aws.ec2.Subnet(
    `${name}-${what}`,
    { vpcId, cidrBlock, availabilityZone: zone, tags },
    // Where Amazon offers a type may change; machines stay where they are.
    { ...child, ignoreChanges: ["availabilityZone"] },
  );
  const place = { subnetId: id, routeTableId: routes.id };
  return { id, routed: new aws.ec2.RouteTableAssociation(`${name}-${association}`, place, child) };
}

/** Amazon picks a zone at random otherwise, and not every zone has every type. */
export function zonesWith(instanceType: string, count: number): pulumi.Output<string[]> {
  const offered = aws.ec2.getInstanceTypeOfferingsOutput({
    locationType: "availability-zone",
    filters: [{ name: "instance-type", values: [instanceType] }],
  });
  return offered.locations.apply((zones) => firstZones(zones, { instanceType, count }));
}

/** @throws RunError when Amazon offers the type in fewer zones than there shall be */
export function firstZones(offered: string[], { instanceType, count }: { instanceType: string; count: number }) {
  if (offered.length >= count) return [...offered].sort().slice(0, count);
  throw new pulumi.RunError(
    offered.length === 0
      ? `machine.instanceType: Amazon does not offer ${instanceType} in this region. Set another type, such as t4g.micro.`
      : `fleet.zones: Amazon offers ${instanceType} in ${offered.length} of this region's zones. Set no more, or another machine.instanceType.`,
  );
}

/** Where callers come in. */
export function doorway(part: Part, settings: Settings, vpcId: pulumi.Input<string>): aws.ec2.SecurityGroup {
  const { name, tags, child } = part;
  const group = new aws.ec2.SecurityGroup(
    `${name}-door`,
    { vpcId, description: "mtls-proxy: callers come in at the port of the proxy, and nothing else does", tags },
    child,
  );
  letCallersIn(part, settings, group.id);
  return group;
}

/** What machines need of the world. */
export function mayGoOut({ name, tags, child }: Part, group: aws.ec2.SecurityGroup): void {
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-outward`,
    {
      securityGroupId: group.id,
      description: "destinations, packages and AWS; names and time come from the VPC itself",
      ipProtocol: "tcp",
      fromPort: 1,
      toPort: 65_535,
      cidrIpv4: "0.0.0.0/0",
      tags,
    },
    child,
  );
}
