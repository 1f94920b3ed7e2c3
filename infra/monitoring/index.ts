import * as pulumi from "@pulumi/pulumi";
import { placeOf } from "../arn";
import type { Part } from "../parts";
import type { Settings } from "../settings";
import type { Machines } from "../topology";
import { ringFor } from "./alarms";
import { dashboard } from "./dashboard";
import { countFromLog } from "./logMetrics";
import type { Telemetry } from "./telemetry";
import { alarmTopic } from "./topic";

export { type Telemetry, telemetryFor } from "./telemetry";

/** Where a person looks. */
export interface Views {
  /** In AWS's console. */
  dashboardUrl: pulumi.Output<string>;
  /** The access log's, for Logs Insights and `aws logs tail`. */
  logGroup: pulumi.Output<string>;
}

/**
 * What tells that something is wrong, and with whom: metrics from the access log, alarms, a topic and a dashboard.
 *
 * Cost a month in us-east-1: $8.75 for a quiet stack, less what AWS's free allowance covers, and $0.27 for a million
 * requests; docs/operations.md has the items.
 */
export function watch(part: Part, settings: Settings, telemetry: Telemetry, machines: Machines): Views {
  countFromLog(part, telemetry);
  const topic = alarmTopic(part, settings);
  const alarms = ringFor(part, settings, telemetry, { topic, machines });
  const { dashboardName } = dashboard(part, settings, telemetry, { machines, alarms });
  const region = topic.arn.apply((arn) => placeOf(arn).region);
  return {
    dashboardUrl: pulumi.interpolate`https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`,
    logGroup: telemetry.logGroup.name,
  };
}
