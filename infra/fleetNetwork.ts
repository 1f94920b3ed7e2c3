import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { natAddress } from "./address";
import { placeOf } from "./arn";
import { egressOfSubnets } from "./existingNat";
import { type OwnVpc, ownVpc, type PlacedSubnet, placedSubnet, publicSubnet, zonesWith } from "./network";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** Where a fleet stands: a public and a private subnet in each zone. */
export interface FleetNetwork {
  vpcId: pulumi.Input<string>;
  /** The load balancer's, one in each zone. */
  publicSubnetIds: pulumi.Input<string>[];
  /** The machines'. */
  privateSubnetIds: pulumi.Input<string>[];
  egressIps: pulumi.Output<string[]>;
  /** Without it machines have no way out, and the load balancer none in. */
  wayOut: pulumi.Resource[];
}

/** In a VPC of its own, with NAT gateways; or in the user's, with theirs. */
export const fleetNetwork = (part: Part, settings: Settings): FleetNetwork =>
  existingNetwork(settings) ?? ownNetwork(part, settings);

function existingNetwork({ network }: Settings): FleetNetwork | undefined {
  const { vpcId, publicSubnetIds, privateSubnetIds } = network;
  if (!vpcId || !publicSubnetIds || !privateSubnetIds) return undefined;
  return { vpcId, publicSubnetIds, privateSubnetIds, egressIps: egressOfSubnets(privateSubnetIds), wayOut: [] };
}

/** It is peered with nothing, so it may have anybody's addresses; there are subnets for thousands of machines in it. */
const VPC_ADDRESSES = "10.0.0.0/16";
/** 59 addresses: a load balancer wants 8 of them, a NAT gateway one. */
const publicAddresses = (zone: number) => `10.0.${zone}.0/26`;
/** 4,091 addresses, and so machines. */
const privateAddresses = (zone: number) => `10.0.${16 * zone}.0/20`;

function ownNetwork(part: Part, settings: Settings): FleetNetwork {
  const { machine, fleet } = settings;
  // Under names of its own: while one topology follows the other, both are there, and neither takes the other's gateway.
  const vpc = ownVpc({ ...part, name: `${part.name}-fleet` }, VPC_ADDRESSES);
  const names = zonesWith(machine.instanceType, fleet.zones);
  const [publics, privates, nats]: [PlacedSubnet[], PlacedSubnet[], NatGateway[]] = [[], [], []];
  let nat: NatGateway | undefined;
  for (let zone = 1; zone <= fleet.zones; zone++) {
    const zoneName = names.apply((all) => all[zone - 1] ?? "");
    const open = { what: `public-${zone}`, cidrBlock: publicAddresses(zone), zone: zoneName };
    const subnet = publicSubnet(part, vpc, open);
    publics.push(subnet);
    if (!nat || fleet.natGateways === "perZone") {
      nat = natGateway(part, vpc, { zone, subnet, address: natAddress(part, settings, zone) });
      nats.push(nat);
    }
    const shut = { what: `private-${zone}`, cidrBlock: privateAddresses(zone), zone: zoneName };
    privates.push(placedSubnet(part, { vpcId: vpc.id, routes: nat.routes }, shut));
  }
  packagesFromS3(part, vpc, nats);
  return {
    vpcId: vpc.id,
    publicSubnetIds: publics.map(({ id }) => id),
    privateSubnetIds: privates.map(({ id }) => id),
    egressIps: pulumi.all(nats.map(({ publicIp }) => publicIp)),
    wayOut: [vpc.wayOut, ...[...publics, ...privates].map(({ routed }) => routed), ...nats.map(({ wayOut }) => wayOut)],
  };
}

/** A gateway that lends its address to whoever takes its routes. */
interface NatGateway {
  publicIp: pulumi.Output<string>;
  routes: aws.ec2.RouteTable;
  wayOut: pulumi.Resource;
}

function natGateway(
  { name, tags, child }: Part,
  vpc: OwnVpc,
  { zone, subnet, address }: { zone: number; subnet: PlacedSubnet; address: aws.ec2.Eip },
): NatGateway {
  const gateway = new aws.ec2.NatGateway(
    `${name}-nat-${zone}`,
    { subnetId: subnet.id, allocationId: address.allocationId, tags },
    { ...child, dependsOn: [vpc.wayOut, subnet.routed] },
  );
  const routes = new aws.ec2.RouteTable(`${name}-private-${zone}`, { vpcId: vpc.id, tags }, child);
  const wayOut = new aws.ec2.Route(
    `${name}-nat-${zone}`,
    { routeTableId: routes.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: gateway.id },
    child,
  );
  return { publicIp: address.publicIp, routes, wayOut };
}

/** Amazon Linux has its packages in S3: by this way they cost nothing, through a NAT gateway $0.045 a GB. */
function packagesFromS3({ name, tags, child }: Part, vpc: OwnVpc, nats: NatGateway[]): void {
  new aws.ec2.VpcEndpoint(
    `${name}-packages`,
    {
      vpcId: vpc.id,
      serviceName: vpc.arn.apply((arn) => `com.amazonaws.${placeOf(arn).region}.s3`),
      vpcEndpointType: "Gateway",
      routeTableIds: nats.map(({ routes }) => routes.id),
      tags,
    },
    child,
  );
}
