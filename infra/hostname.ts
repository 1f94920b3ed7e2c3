import * as aws from "@pulumi/aws";
import type { Address } from "./address";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** Seconds: short, because a new address must be found soon, and nobody asks often. */
const RECORD_LIFETIME = 60;

/** The host name's record in the user's hosted zone, if there is one; without it the user makes the record. */
export function hostnameRecord({ name, child }: Part, { hostname, network }: Settings, { publicIp }: Address): void {
  if (!hostname || !network.hostedZoneId) return;
  new aws.route53.Record(
    `${name}-hostname`,
    { zoneId: network.hostedZoneId, name: hostname, type: "A", ttl: RECORD_LIFETIME, records: [publicIp] },
    child,
  );
}
