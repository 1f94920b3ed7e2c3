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
  return { subnetId, securityGroupId: doorway(part, settings, vpcId).id, wayOut };
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

function ownSubnet({ name, tags, child }: Part, { machine }: Settings): Subnet {
  const vpc = new aws.ec2.Vpc(`${name}-vpc`, { cidrBlock: VPC_ADDRESSES, tags }, child);
  // Amazon makes one with every VPC, in which everything may talk to everything; adopted to be emptied.
  new aws.ec2.DefaultSecurityGroup(`${name}-unused`, { vpcId: vpc.id, ingress: [], egress: [], tags }, child);
  const gateway = new aws.ec2.InternetGateway(`${name}-gateway`, { vpcId: vpc.id, tags }, child);
  const subnet = new aws.ec2.Subnet(
    `${name}-subnet`,
    { vpcId: vpc.id, cidrBlock: SUBNET_ADDRESSES, availabilityZone: zoneWith(machine.instanceType), tags },
    // Where Amazon offers a type may change; the machine stays where it is.
    { ...child, ignoreChanges: ["availabilityZone"] },
  );
  const table = new aws.ec2.RouteTable(`${name}-routes`, { vpcId: vpc.id, tags }, child);
  const route = new aws.ec2.Route(
    `${name}-way-out`,
    { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
    child,
  );
  const association = new aws.ec2.RouteTableAssociation(
    `${name}-routes`,
    { subnetId: subnet.id, routeTableId: table.id },
    child,
  );
  return { vpcId: vpc.id, subnetId: subnet.id, wayOut: [route, association] };
}

/** Amazon picks a zone at random otherwise, and not every zone has every type. */
function zoneWith(instanceType: string): pulumi.Output<string> {
  const offered = aws.ec2.getInstanceTypeOfferingsOutput({
    locationType: "availability-zone",
    filters: [{ name: "instance-type", values: [instanceType] }],
  });
  return offered.locations.apply((zones) => {
    const [first] = [...zones].sort();
    if (first) return first;
    throw new pulumi.RunError(
      `machine.instanceType: Amazon does not offer ${instanceType} in this region. Set another type, such as t4g.micro.`,
    );
  });
}

function doorway(part: Part, settings: Settings, vpcId: pulumi.Input<string>): aws.ec2.SecurityGroup {
  const { name, tags, child } = part;
  const group = new aws.ec2.SecurityGroup(
    `${name}-door`,
    { vpcId, description: "mtls-proxy: callers come in at the port of the proxy, and nothing else does", tags },
    child,
  );
  letCallersIn(part, settings, group.id);
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
  return group;
}
