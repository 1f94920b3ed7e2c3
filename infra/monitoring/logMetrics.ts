import type { Outcome } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import type { Part } from "../parts";
import type { Telemetry } from "./telemetry";

/** What CloudWatch makes of a line of the access log. */
export interface LogMetric {
  name: string;
  /** Which lines, in the pattern language of CloudWatch Logs for JSON. */
  pattern: string;
  /** What is added for each: 1, or the number in a field. */
  value: "1" | `$.${string}`;
  unit: "Count" | "Seconds" | "None";
  /** Fields whose values make a metric each. Every one that occurs costs as much as a metric. */
  dimensions?: Record<string, `$.${string}`>;
}

const outcomeIs = (...outcomes: Outcome[]): string =>
  `{ ${outcomes.map((outcome) => `$.outcome = "${outcome}"`).join(" || ")} }`;

/** Requests of listed clients, however they ended. */
const LET_IN = outcomeIs("answered", "destination_error", "proxy_error", "abandoned");

/**
 * Everything that is counted from the access log.
 * A metric of values (seconds, days) has no value below 0, or CloudWatch would give no percentiles of it.
 */
export const LOG_METRICS = {
  requests: { name: "Requests", pattern: LET_IN, value: "1", unit: "Count" },
  destinationErrors: { name: "DestinationErrors", pattern: outcomeIs("destination_error"), value: "1", unit: "Count" },
  proxyErrors: { name: "ProxyErrors", pattern: outcomeIs("proxy_error"), value: "1", unit: "Count" },
  refusals: { name: "Refusals", pattern: outcomeIs("refused"), value: "1", unit: "Count" },
  refusalsByCode: {
    name: "Refusals",
    pattern: outcomeIs("refused"),
    value: "1",
    unit: "Count",
    dimensions: { code: "$.error" },
  },
  strangers: { name: "Strangers", pattern: outcomeIs("stranger"), value: "1", unit: "Count" },
  requestSeconds: { name: "RequestSeconds", pattern: LET_IN, value: "$.seconds", unit: "Seconds" },
  destinationSeconds: {
    name: "DestinationSeconds",
    // A connection that never stood, in the log -1, says nothing of how fast a destination answers.
    pattern: "{ $.connectSeconds >= 0 && $.destinationSeconds >= 0 }",
    value: "$.destinationSeconds",
    unit: "Seconds",
  },
  clientCertificateDaysLeft: {
    name: "ClientCertificateDaysLeft",
    pattern: LET_IN,
    value: "$.certificateDays",
    unit: "None",
  },
} as const satisfies Record<string, LogMetric>;

export type LogMetricName = (typeof LOG_METRICS)[keyof typeof LOG_METRICS]["name"];

/** A filter on the log for each metric. */
export function countFromLog({ name, child }: Part, { logGroup, namespace }: Telemetry): void {
  for (const [what, metric] of Object.entries<LogMetric>(LOG_METRICS)) {
    new aws.cloudwatch.LogMetricFilter(
      `${name}-${hyphened(what)}`,
      {
        logGroupName: logGroup.name,
        pattern: metric.pattern,
        metricTransformation: {
          namespace,
          name: metric.name,
          value: metric.value,
          unit: metric.unit,
          dimensions: metric.dimensions,
          // The probe's line each minute makes it a count for each minute, zeros included. CloudWatch takes no
          // default beside dimensions, and one for a value would be a value that no request had.
          defaultValue: metric.value === "1" && !metric.dimensions ? "0" : undefined,
        },
      },
      child,
    );
  }
}

/** destinationErrors: destination-errors. */
const hyphened = (what: string): string => what.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
