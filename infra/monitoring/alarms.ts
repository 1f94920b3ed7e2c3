import type { MACHINE_METRICS } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Part } from "../parts";
import type { Settings } from "../settings";
import type { Machines } from "../topology";
import { LOG_METRICS, type LogMetricName } from "./logMetrics";
import type { Telemetry } from "./telemetry";

/** An alarm, and the section of docs/operations.md that tells what to do. */
export interface Alarm {
  name: string;
  /** The section's heading. */
  section: string;
  /** What it means, in a sentence. */
  meaning: string;
  /**
   * One metric of the stack's namespace, the load balancer's count of healthy machines, or an expression of several
   * metrics by the names that it uses for them.
   */
  of:
    | { healthyHosts: "Maximum" }
    | { metric: MachineMetric | LogMetricName; statistic: "Minimum" | "Maximum" | "Sum" }
    | { expression: string; sums: Record<string, LogMetricName> };
  periodSeconds: number;
  /** It rings when so many of so many periods, the latest ones, are beyond the threshold. */
  periods: { bad: number; of: number };
  rings: "below" | "at or above" | "above";
  threshold: number;
  /** What a period without data counts as: bad, good, or nothing (the alarm stays as it is). */
  silence: "breaching" | "notBreaching" | "ignore";
}

type MachineMetric = (typeof MACHINE_METRICS)[number]["name"];

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/** Days before its end at which a certificate rings, unless `certificates.renewDays` leaves less time to renew it. */
const CERTIFICATE_DAYS = 30;

/** So many failed requests in five minutes are more than one caller's bad luck, and one call at night is not. */
const FEWEST_ERRORS = 5;

/** Half of the time in which any run would have renewed it must be left, or it would ring on the day it may be renewed. */
export const certificateDays = ({ certificates }: Settings): number =>
  Math.min(CERTIFICATE_DAYS, Math.floor(certificates.renewDays / 2));

const MACHINE_DOWN: Alarm = {
  name: "machine-down",
  section: "Machine down",
  meaning: "For 3 minutes nginx has not served, or the machine has said nothing.",
  of: { metric: "Serving", statistic: "Minimum" },
  periodSeconds: MINUTE,
  periods: { bad: 3, of: 3 },
  rings: "below",
  threshold: 1,
  silence: "breaching",
};

/** A machine that is lost is replaced in 4 minutes; one that does not come up is given up after 15, and the next takes 4. */
const LONGEST_REPLACING = 20;

/**
 * What the machines say of themselves is no alarm here: each that boots does not serve for a while. Replacing and
 * scaling leave `fleet.min` healthy ones at every moment.
 */
const fleetDown = ({ fleet }: Settings): Alarm[] => [
  {
    name: "no-healthy-machine",
    section: "No healthy machine",
    meaning: "For 2 minutes the load balancer has found no machine healthy.",
    of: { healthyHosts: "Maximum" },
    periodSeconds: MINUTE,
    periods: { bad: 2, of: 2 },
    rings: "below",
    threshold: 1,
    // It counts as long as there are machines to count.
    silence: "breaching",
  },
  {
    name: "machines-missing",
    section: "Machines missing",
    meaning: `For ${LONGEST_REPLACING} minutes fewer than ${fleet.min} machines were healthy: what is lost is not replaced.`,
    of: { healthyHosts: "Maximum" },
    periodSeconds: MINUTE,
    periods: { bad: LONGEST_REPLACING, of: LONGEST_REPLACING },
    rings: "below",
    threshold: fleet.min,
    // When there is none at all, no-healthy-machine rings.
    silence: "ignore",
  },
];

/** In the order in which the dashboard shows them. */
export function alarmsFor(settings: Settings): Alarm[] {
  const { errorPercent, refusalsPerFiveMinutes } = settings.monitoring;
  const { requests, destinationErrors, proxyErrors, refusals, clientCertificateDaysLeft } = LOG_METRICS;
  return [
    ...(settings.topology === "fleet" ? fleetDown(settings) : [MACHINE_DOWN]),
    {
      name: "sync-failing",
      section: "Sync failing",
      meaning: "For 10 minutes the machine could not take up what pulumi up has published. It serves what it had.",
      of: { metric: "SyncFailing", statistic: "Maximum" },
      periodSeconds: MINUTE,
      periods: { bad: 10, of: 10 },
      rings: "at or above",
      threshold: 1,
      // A machine that says nothing is machine-down's business.
      silence: "ignore",
    },
    {
      name: "error-rate",
      section: "Error rate",
      meaning: `More than ${errorPercent}% of the requests failed at the destination or in the proxy, and ${FEWEST_ERRORS} or more, in two of three times 5 minutes.`,
      of: {
        expression: `IF((failed + broken) >= ${FEWEST_ERRORS}, 100 * (failed + broken) / requests, 0)`,
        sums: { failed: destinationErrors.name, broken: proxyErrors.name, requests: requests.name },
      },
      periodSeconds: 5 * MINUTE,
      periods: { bad: 2, of: 3 },
      rings: "above",
      threshold: errorPercent,
      silence: "notBreaching",
    },
    {
      name: "refusals",
      section: "Refusals",
      meaning: `More than ${refusalsPerFiveMinutes} requests of callers with a certificate were refused within 5 minutes.`,
      of: { metric: refusals.name, statistic: "Sum" },
      periodSeconds: 5 * MINUTE,
      periods: { bad: 1, of: 1 },
      rings: "above",
      threshold: refusalsPerFiveMinutes,
      silence: "notBreaching",
    },
    {
      name: "server-certificate",
      section: "Server certificate",
      meaning: `The proxy's certificate, or a CA's, ends in less than ${certificateDays(settings)} days.`,
      of: { metric: "ServerCertificateDaysLeft", statistic: "Minimum" },
      periodSeconds: 60 * MINUTE,
      periods: { bad: 1, of: 1 },
      rings: "below",
      threshold: certificateDays(settings),
      silence: "ignore",
    },
    {
      name: "client-certificate",
      section: "Client certificate",
      meaning: `A client certificate that is in use ends in less than ${certificateDays(settings)} days.`,
      of: { metric: clientCertificateDaysLeft.name, statistic: "Minimum" },
      // A day, so that of two clients the one that calls more often does not hide the other.
      periodSeconds: DAY,
      periods: { bad: 1, of: 1 },
      rings: "below",
      threshold: certificateDays(settings),
      // A night without calls renews nothing, and rings for nothing.
      silence: "ignore",
    },
  ];
}

const OPERATORS = {
  below: "LessThanThreshold",
  above: "GreaterThanThreshold",
  "at or above": "GreaterThanOrEqualToThreshold",
};

/** The ARNs of the alarms, in their order. Each tells the topic when it rings and when it is over. */
export function ringFor(
  { name, tags, child }: Part,
  settings: Settings,
  { namespace }: Telemetry,
  { topic, machines }: { topic: aws.sns.Topic; machines: Machines },
): pulumi.Output<string>[] {
  return alarmsFor(settings).map((alarm) => {
    const { section, meaning, periods, rings, threshold, silence } = alarm;
    return new aws.cloudwatch.MetricAlarm(
      `${name}-${alarm.name}`,
      {
        // The subject of the e-mail.
        name: pulumi.interpolate`${namespace}-${alarm.name}`,
        alarmDescription: `${meaning} What to do: "${section}" in docs/operations.md.`,
        ...measured(alarm, namespace, machines),
        evaluationPeriods: periods.of,
        datapointsToAlarm: periods.bad,
        comparisonOperator: OPERATORS[rings],
        threshold,
        treatMissingData: silence,
        alarmActions: [topic.arn],
        okActions: [topic.arn],
        tags,
      },
      child,
    ).arn;
  });
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html */
export const HEALTHY_HOSTS = { namespace: "AWS/NetworkELB", metricName: "HealthyHostCount" };

function measured({ of, periodSeconds }: Alarm, namespace: pulumi.Output<string>, { counted }: Machines) {
  if ("healthyHosts" in of)
    return { ...HEALTHY_HOSTS, dimensions: counted, statistic: of.healthyHosts, period: periodSeconds };
  if ("metric" in of) return { namespace, metricName: of.metric, statistic: of.statistic, period: periodSeconds };
  const sums = Object.entries(of.sums).map(([id, metricName]) => ({
    id,
    metric: { namespace, metricName, stat: "Sum", period: periodSeconds },
  }));
  return { metricQueries: [{ id: "percent", expression: of.expression, label: "%", returnData: true }, ...sums] };
}
