import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** What calls from the user's own private subnets come from: the addresses of the NAT gateways that they lead to. */
export const egressOfSubnets = (subnetIds: string[]): pulumi.Output<string[]> =>
  pulumi.output(Promise.all(subnetIds.map(addressesOf))).apply((all) => [...new Set(all.flat())]);

/** @throws RunError when the subnet leads out by anything else, whose addresses AWS does not tell */
export async function addressesOf(subnetId: string): Promise<string[]> {
  const { routes } = await aws.ec2.getRouteTable({ subnetId }).catch((cause: unknown) => {
    const message = `network.privateSubnetIds: AWS tells no route table of ${subnetId}. It must be there, and be associated with one.`;
    throw Object.assign(new pulumi.RunError(message), { cause });
  });
  const natGatewayId = routes.find(({ cidrBlock }) => cidrBlock === "0.0.0.0/0")?.natGatewayId;
  if (!natGatewayId) {
    throw new pulumi.RunError(
      `network.privateSubnetIds: ${subnetId} does not lead to the internet by a NAT gateway, so nobody knows which address a firewall would have to accept. Give it a route to one.`,
    );
  }
  const { publicIp, secondaryAllocationIds = [] } = await aws.ec2.getNatGateway({ id: natGatewayId });
  const others = await Promise.all(secondaryAllocationIds.map((id) => aws.ec2.getElasticIp({ id })));
  return [publicIp, ...others.map((address) => address.publicIp)];
}
