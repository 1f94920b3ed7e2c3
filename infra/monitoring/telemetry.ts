import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Part } from "../parts";
import type { Settings } from "../settings";

/** Where a machine reports how it is. */
export interface Telemetry {
  /** Takes the access log, a stream for each machine. */
  logGroup: aws.cloudwatch.LogGroup;
  /** CloudWatch's namespace for this stack's metrics, and how everything that watches it is named. */
  namespace: pulumi.Output<string>;
}

/**
 * Nothing when monitoring is off.
 * One generated name is the group's and the namespace's: it tells apart the stacks of an account, those of the same
 * name in two projects too.
 */
export function telemetryFor({ name, tags, child }: Part, { monitoring }: Settings): Telemetry | undefined {
  if (!monitoring.enabled) return undefined;
  // A dashboard's name, which is made of it, has no dots.
  const stack = pulumi.getStack().replaceAll(".", "-");
  const logGroup = new aws.cloudwatch.LogGroup(
    `${name}-${stack}`,
    { retentionInDays: monitoring.logRetentionDays, tags },
    child,
  );
  return { logGroup, namespace: logGroup.name };
}
