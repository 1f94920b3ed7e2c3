import { type MACHINE_METRICS, PROXY_ERROR_STATUSES } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { placeOf } from "../arn";
import type { Part } from "../parts";
import type { Settings } from "../settings";
import type { Machines } from "../topology";
import { certificateDays, HEALTHY_HOSTS } from "./alarms";
import { LOG_METRICS, type LogMetricName } from "./logMetrics";
import type { Telemetry } from "./telemetry";

/** The dashboard that answers: is it me, the proxy or the backend? Its name is the stack's namespace. */
export function dashboard(
  { name, child }: Part,
  settings: Settings,
  { namespace }: Telemetry,
  { machines, alarms }: { machines: Machines; alarms: pulumi.Output<string>[] },
): aws.cloudwatch.Dashboard {
  const body = pulumi
    .all([namespace, machines.id, pulumi.all(alarms), pulumi.output(machines.counted)])
    .apply(([stack, id, arns, counted]) =>
      bodyOf({ settings, namespace: stack, machines: [machines.dimension, id], counted, alarms: arns }),
    );
  return new aws.cloudwatch.Dashboard(
    `${name}-dashboard`,
    { dashboardName: namespace, dashboardBody: pulumi.jsonStringify(body) },
    child,
  );
}

interface Facts {
  settings: Settings;
  namespace: string;
  /** Whose are the metrics of Amazon EC2: a dimension and its value. */
  machines: [string, string];
  /** Those by which a fleet's load balancer counts its machines. */
  counted: Record<string, string> | undefined;
  /** ARNs. */
  alarms: string[];
}

/** A column of graphs under a title, for each whom it could be. */
interface Column {
  title: string;
  /** How it is read. */
  reading: string;
  graphs: Graph[];
}

interface Graph {
  title: string;
  /** As CloudWatch writes them: namespace, name, dimensions, and how it is drawn. */
  metrics: unknown[][];
  most?: number;
  /** Where an alarm rings. */
  line?: number;
}

/** CloudWatch's grid has 24 columns. */
const WIDTH = 24;
const COLUMN_WIDTH = WIDTH / 3;
const HEIGHT = { alarms: 3, title: 3, graph: 6 };

function bodyOf(facts: Facts): object {
  return {
    widgets: [
      {
        type: "alarm",
        ...{ x: 0, y: 0, width: WIDTH, height: HEIGHT.alarms },
        properties: { title: "What rings? docs/operations.md says what to do", alarms: facts.alarms },
      },
      ...[callers(facts), proxy(facts), backend(facts)].flatMap((column, index) =>
        widgetsOf(column, index * COLUMN_WIDTH, regionOf(facts)),
      ),
    ],
  };
}

const regionOf = ({ alarms: [first = ""] }: Facts): string => placeOf(first).region;

function widgetsOf({ title, reading, graphs }: Column, x: number, region: string): object[] {
  const at = (y: number, height: number) => ({ x, y: HEIGHT.alarms + y, width: COLUMN_WIDTH, height });
  return [
    { type: "text", ...at(0, HEIGHT.title), properties: { markdown: `# ${title}\n${reading}` } },
    ...graphs.map(({ title: what, metrics, most, line }, index) => ({
      type: "metric",
      ...at(HEIGHT.title + index * HEIGHT.graph, HEIGHT.graph),
      properties: {
        title: what,
        region,
        view: "timeSeries",
        period: 60,
        yAxis: { left: { min: 0, max: most, showUnits: false } },
        metrics,
        annotations: line === undefined ? undefined : { horizontal: [{ label: "the alarm rings below", value: line }] },
      },
    })),
  ];
}

function callers({ settings, namespace }: Facts): Column {
  const { requests, refusals, refusalsByCode, strangers, clientCertificateDaysLeft } = LOG_METRICS;
  const of = ownMetric(namespace);
  return {
    title: "Is it me?",
    reading: "Your actions, their certificates and what they send. Refusals that rise here: the proxy works.",
    graphs: [
      {
        title: "Requests a minute",
        metrics: [
          of(requests.name, "Sum", "let in"),
          of(refusals.name, "Sum", "refused, with a certificate"),
          of(strangers.name, "Sum", "strangers, without one"),
        ],
      },
      {
        title: "Refusals a minute, by code",
        metrics: REFUSAL_CODES.map((code) => [
          namespace,
          refusalsByCode.name,
          ...Object.keys(refusalsByCode.dimensions),
          code,
          { stat: "Sum", label: code },
        ]),
      },
      {
        title: "Client certificate in use: days left",
        metrics: [of(clientCertificateDaysLeft.name, "Minimum", "the first to end")],
        line: certificateDays(settings),
      },
    ],
  };
}

/** The proxy's own answers but for those in which it speaks of a destination or of itself. */
const REFUSAL_CODES = Object.keys(PROXY_ERROR_STATUSES).filter(
  (code) => !code.startsWith("destination_") && code !== "internal_error",
);

function proxy(facts: Facts): Column {
  const of = ownMetric(facts.namespace);
  return {
    title: "Is it the proxy?",
    reading: facts.counted
      ? "The machines and what runs on them. They serve while one is healthy; below it is the worst of them: one that boots does not serve yet."
      : "The machine and what runs on it. It serves when the upper two lines are at 1 and the lower one is at 0.",
    graphs: [
      ...(facts.counted ? [healthyMachines(facts.counted, facts.settings)] : []),
      {
        title: "Does it serve?",
        metrics: [
          of("Serving", "Minimum", "it serves"),
          of("BundleCurrent", "Minimum", "what pulumi up published last"),
          of("SyncFailing", "Maximum", "sync fails"),
        ],
        most: 1,
      },
      {
        title: "Its own errors a minute, and log lines that were lost",
        metrics: [of(LOG_METRICS.proxyErrors.name, "Sum", "errors"), of("LogLinesLost", "Sum", "lines lost")],
      },
      {
        title: "Memory, disk and processor, %",
        metrics: [
          of("MemoryUsedPercent", "Maximum", "memory"),
          of("DiskUsedPercent", "Maximum", "disk"),
          ofMachine(facts, "CPUUtilization", "Maximum", "processor"),
        ],
        most: 100,
      },
      {
        title: "The proxy's certificates: days left",
        metrics: [of("ServerCertificateDaysLeft", "Minimum", "the first to end")],
        line: certificateDays(facts.settings),
      },
      ...(isBurstable(facts.settings) ? [credits(facts)] : []),
    ],
  };
}

const healthyMachines = (counted: Record<string, string>, { fleet }: Settings): Graph => ({
  title: "Machines that the load balancer finds healthy",
  metrics: [
    [
      HEALTHY_HOSTS.namespace,
      HEALTHY_HOSTS.metricName,
      ...Object.entries(counted).flat(),
      { stat: "Maximum", label: "healthy" },
    ],
  ],
  line: fleet.min,
});

/** Families whose names begin with t earn credits while idle, and are slowed down, or cost more, when none are left. */
const isBurstable = ({ machine }: Settings): boolean => machine.instanceType.startsWith("t");

const credits = (facts: Facts): Graph => ({
  title: "CPU credits: at 0 more processor time costs extra",
  metrics: [ofMachine(facts, "CPUCreditBalance", "Minimum", "left")],
});

function backend({ namespace }: Facts): Column {
  const { requests, destinationErrors, destinationSeconds, requestSeconds } = LOG_METRICS;
  const of = ownMetric(namespace);
  return {
    title: "Is it the backend?",
    reading:
      "What destinations answer, and how fast. If both lower graphs rise together it is slow; if only the last does, callers send or read slowly.",
    graphs: [
      {
        title: "Requests that failed there, %",
        metrics: [
          [{ id: "percent", expression: "100 * failed / requests", label: "% of the requests" }],
          of(destinationErrors.name, "Sum", "failed", { id: "failed", visible: false }),
          of(requests.name, "Sum", "requests", { id: "requests", visible: false }),
        ],
      },
      { title: "Seconds until a destination had answered", metrics: percentiles(of, destinationSeconds.name) },
      { title: "Seconds until the caller had its answer", metrics: percentiles(of, requestSeconds.name) },
    ],
  };
}

type OwnMetric = ReturnType<typeof ownMetric>;

const ownMetric =
  (namespace: string) =>
  (name: LogMetricName | (typeof MACHINE_METRICS)[number]["name"], stat: string, label: string, more: object = {}) => [
    namespace,
    name,
    { stat, label, ...more },
  ];

const percentiles = (of: OwnMetric, name: LogMetricName) =>
  ["p50", "p95", "p99"].map((percentile) => of(name, percentile, percentile));

/** Amazon reports these every 5 minutes; each minute costs extra. */
const ofMachine = ({ machines }: Facts, name: "CPUUtilization" | "CPUCreditBalance", stat: string, label: string) => [
  "AWS/EC2",
  name,
  ...machines,
  { stat, label, period: 300 },
];
