import { HEALTH_PORT } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { doorway, mayGoOut } from "./network";
import type { Part } from "./parts";
import type { Settings } from "./settings";

export interface FleetDoors {
  /** The load balancer's security group. */
  callers: pulumi.Output<string>;
  /** The machines'. */
  machines: pulumi.Output<string>;
}

/** Callers reach the load balancer alone; it alone reaches the machines, at the proxy's port and at the one for health. */
export function fleetDoors(part: Part, settings: Settings, vpcId: pulumi.Input<string>): FleetDoors {
  const { name, tags, child } = part;
  const callers = doorway(part, settings, vpcId);
  const machines = new aws.ec2.SecurityGroup(
    `${name}-machines`,
    { vpcId, description: "mtls-proxy: the load balancer comes in, and nothing else does", tags },
    child,
  );
  for (const [what, port] of [
    ["calls", settings.port],
    ["health", HEALTH_PORT],
  ] as const) {
    const rule = { description: `mtls-proxy: ${what}`, ipProtocol: "tcp", fromPort: port, toPort: port, tags };
    new aws.vpc.SecurityGroupEgressRule(
      `${name}-${what}`,
      { ...rule, securityGroupId: callers.id, referencedSecurityGroupId: machines.id },
      child,
    );
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-${what}`,
      { ...rule, securityGroupId: machines.id, referencedSecurityGroupId: callers.id },
      child,
    );
  }
  mayGoOut(part, machines);
  return { callers: callers.id, machines: machines.id };
}
