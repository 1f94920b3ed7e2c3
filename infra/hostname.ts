import * as aws from "@pulumi/aws";
import type { Part } from "./parts";
import type { Settings } from "./settings";
import type { Entrance, Machines } from "./topology";

/** Seconds: short, because a new address must be found soon, and nobody asks often. */
const RECORD_LIFETIME = 60;

/**
 * The host name's record in the user's hosted zone, if there is one; without it the user makes the record.
 * It moves to another topology's entrance only when machines stand behind that.
 */
export function hostnameRecord(
  { name, child }: Part,
  { hostname, network }: Settings,
  { target, targetZoneId }: Entrance,
  machines: Machines,
): void {
  if (!hostname || !network.hostedZoneId) return;
  const leads = targetZoneId
    ? // With one record there is nothing to choose by health; the load balancer's own name leaves out zones that fail.
      { aliases: [{ name: target, zoneId: targetZoneId, evaluateTargetHealth: false }] }
    : { ttl: RECORD_LIFETIME, records: [target] };
  new aws.route53.Record(
    `${name}-hostname`,
    { zoneId: network.hostedZoneId, name: hostname, type: "A", ...leads },
    { ...child, dependsOn: machines.ready },
  );
}
