import { admitted } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/**
 * Half of the 60 inbound rules that a security group may have (Amazon VPC quotas): when a list changes, the new rules
 * are made before the old ones go, so that no address that stays is shut out meanwhile.
 */
const MOST_RULES = 30;

/**
 * Lets callers in at the proxy's port: from everywhere, or from the addresses of `ingress` as far as a security group
 * holds them. nginx refuses other addresses in any case, so a list too long for the group costs strangers' handshakes,
 * and lets nobody in.
 */
export function letCallersIn(
  { name, tags, child }: Part,
  { ingress, port }: Settings,
  securityGroupId: pulumi.Input<string>,
): void {
  const rule = (suffix: string, cidrIpv4: string, description: string) =>
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-callers${suffix}`,
      { securityGroupId, description, ipProtocol: "tcp", fromPort: port, toPort: port, cidrIpv4, tags },
      child,
    );
  const listed = admitted(ingress);
  if (!listed) {
    rule("", "0.0.0.0/0", "callers from anywhere; one without a certificate gets no further than TLS");
  } else if (listed.length > MOST_RULES) {
    rule("", "0.0.0.0/0", "too many addresses are listed for a security group; nginx refuses the others");
  } else {
    // Each by its CIDR: a changed list makes and removes what changed, and leaves the others alone.
    for (const { cidr, from } of listed) {
      const who = from.join(", ");
      rule(`-${cidr.replace("/", "-")}`, cidr, `listed in ingress: ${who.length > 200 ? "several regions" : who}`);
    }
  }
}
