import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { MACHINE_METRICS, PROXY_ERROR_STATUSES } from "@app-builder-mtls/proxy";
import { placeOf } from "../arn";
import { ACCOUNT, type Asked, find, program, REGION } from "./program";

const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";
const FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter";
const DASHBOARD = "aws:cloudwatch/dashboard:Dashboard";
/** A mocked group is called what its resource is; the real one's name is generated. */
const STACK = "mtls-proxy-dev";
const TOPIC = `arn:aws:sns:${REGION}:${ACCOUNT}:mtls-proxy-alarms`;
const LET_IN =
  '{ $.outcome = "answered" || $.outcome = "destination_error" || $.outcome = "proxy_error" || $.outcome = "abandoned" }';

/** What Amazon EC2 reports of an instance: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html */
const EC2_METRICS = ["CPUUtilization", "CPUCreditBalance"];
/** What a Network Load Balancer reports by target group: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html */
const TARGET_METRICS = ["HealthyHostCount", "UnHealthyHostCount"];
const COUNTED = { TargetGroup: "targetgroup/machines/4567", LoadBalancer: "net/entrance/0123" };
const FLEET = { topology: "fleet", hostname: "mtls.example.com" };

interface Filter {
  logGroupName: string;
  pattern: string;
  metricTransformation: {
    namespace: string;
    name: string;
    value: string;
    unit: string;
    defaultValue?: string;
    dimensions?: Record<string, string>;
  };
}

interface Alarm {
  name: string;
  alarmDescription: string;
  namespace?: string;
  metricName?: string;
  metricQueries?: { id: string; expression?: string; metric?: { namespace: string; metricName: string } }[];
  alarmActions: string[];
  okActions: string[];
  tags: object;
  threshold: number;
}

interface Widget {
  type: string;
  x: number;
  y: number;
  width: number;
  height: number;
  properties: {
    title?: string;
    markdown?: string;
    alarms?: string[];
    metrics?: unknown[][];
    region?: string;
    annotations?: { horizontal: { value: number }[] };
  };
}

const all = <Shape>(asked: Asked[], type: string): Shape[] =>
  asked.filter((one) => one.type === type).map(({ inputs }) => inputs as Shape);

const byName = <Named extends { name: string }>(list: Named[]): Named[] =>
  [...list].sort((one, other) => one.name.localeCompare(other.name));

const byText = (rows: unknown[][]): unknown[][] =>
  [...rows].sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));

const alarmOf = (asked: Asked[], name: string) => find<Alarm>(asked, ALARM, `mtls-proxy-${name}`);

describe("what is counted from the access log", () => {
  it("is this, and nothing else", async () => {
    const filters = all<Filter>((await program()).asked, FILTER);
    const rows = filters.map(({ logGroupName, pattern, metricTransformation: { namespace, ...made } }) => {
      assert.deepEqual([logGroupName, namespace], [STACK, STACK]);
      const { name, value, unit, defaultValue, dimensions } = made;
      return [name, pattern, value, unit, defaultValue, dimensions];
    });
    // The engine asks for resources in no order of its own.
    assert.deepEqual(
      byText(rows),
      byText([
        ["Requests", LET_IN, "1", "Count", "0", undefined],
        ["DestinationErrors", '{ $.outcome = "destination_error" }', "1", "Count", "0", undefined],
        ["ProxyErrors", '{ $.outcome = "proxy_error" }', "1", "Count", "0", undefined],
        ["Refusals", '{ $.outcome = "refused" }', "1", "Count", "0", undefined],
        ["Refusals", '{ $.outcome = "refused" }', "1", "Count", undefined, { code: "$.error" }],
        ["Strangers", '{ $.outcome = "stranger" }', "1", "Count", "0", undefined],
        ["RequestSeconds", LET_IN, "$.seconds", "Seconds", undefined, undefined],
        [
          "DestinationSeconds",
          "{ $.connectSeconds >= 0 && $.destinationSeconds >= 0 }",
          "$.destinationSeconds",
          "Seconds",
          undefined,
          undefined,
        ],
        ["ClientCertificateDaysLeft", LET_IN, "$.certificateDays", "None", undefined, undefined],
      ]),
    );
  });

  it("keeps the log as long as is set", async () => {
    const kept = async (monitoring: object) =>
      find((await program({ monitoring })).asked, "aws:cloudwatch/logGroup:LogGroup").retentionInDays;
    assert.deepEqual([await kept({}), await kept({ logRetentionDays: 3653 })], [30, 3653]);
  });
});

describe("the alarms", () => {
  it("are these, at these thresholds", async () => {
    const { asked } = await program();
    const made = all<Alarm>(asked, ALARM).map(({ alarmDescription, alarmActions, okActions, tags, ...rest }) => rest);
    const one = {
      namespace: STACK,
      comparisonOperator: "LessThanThreshold",
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
    };
    assert.deepEqual(
      byName(made),
      byName([
        {
          ...one,
          name: `${STACK}-machine-down`,
          metricName: "Serving",
          statistic: "Minimum",
          period: 60,
          evaluationPeriods: 3,
          datapointsToAlarm: 3,
          threshold: 1,
          treatMissingData: "breaching",
        },
        {
          ...one,
          name: `${STACK}-sync-failing`,
          metricName: "SyncFailing",
          statistic: "Maximum",
          period: 60,
          evaluationPeriods: 10,
          datapointsToAlarm: 10,
          comparisonOperator: "GreaterThanOrEqualToThreshold",
          threshold: 1,
          treatMissingData: "ignore",
        },
        {
          name: `${STACK}-error-rate`,
          metricQueries: [
            {
              id: "percent",
              expression: "IF((failed + broken) >= 5, 100 * (failed + broken) / requests, 0)",
              label: "%",
              returnData: true,
            },
            ...[
              ["failed", "DestinationErrors"],
              ["broken", "ProxyErrors"],
              ["requests", "Requests"],
            ].map(([id, metricName]) => ({ id, metric: { namespace: STACK, metricName, stat: "Sum", period: 300 } })),
          ],
          evaluationPeriods: 3,
          datapointsToAlarm: 2,
          comparisonOperator: "GreaterThanThreshold",
          threshold: 5,
          treatMissingData: "notBreaching",
        },
        {
          ...one,
          name: `${STACK}-refusals`,
          metricName: "Refusals",
          statistic: "Sum",
          period: 300,
          comparisonOperator: "GreaterThanThreshold",
          threshold: 20,
          treatMissingData: "notBreaching",
        },
        {
          ...one,
          name: `${STACK}-server-certificate`,
          metricName: "ServerCertificateDaysLeft",
          statistic: "Minimum",
          period: 3_600,
          threshold: 30,
          treatMissingData: "ignore",
        },
        {
          ...one,
          name: `${STACK}-client-certificate`,
          metricName: "ClientCertificateDaysLeft",
          statistic: "Minimum",
          period: 86_400,
          threshold: 30,
          treatMissingData: "ignore",
        },
      ]),
    );
  });

  it("of a fleet are of its healthy machines, in place of the one", async () => {
    const names = (asked: Asked[]) => all<Alarm>(asked, ALARM).map(({ name }) => name.slice(STACK.length + 1));
    const { asked } = await program({ ...FLEET, fleet: { min: 3 } });
    const others = names((await program()).asked).filter((name) => name !== "machine-down");
    assert.deepEqual(names(asked).sort(), [...others, "no-healthy-machine", "machines-missing"].sort());
    const counting = ["no-healthy-machine", "machines-missing"].map((name) => {
      const { alarmDescription, alarmActions, okActions, tags, name: _, ...rest } = alarmOf(asked, name);
      return rest;
    });
    const healthy = {
      namespace: "AWS/NetworkELB",
      metricName: "HealthyHostCount",
      dimensions: COUNTED,
      statistic: "Maximum",
      period: 60,
      comparisonOperator: "LessThanThreshold",
    };
    assert.deepEqual(counting, [
      { ...healthy, evaluationPeriods: 2, datapointsToAlarm: 2, threshold: 1, treatMissingData: "breaching" },
      { ...healthy, evaluationPeriods: 20, datapointsToAlarm: 20, threshold: 3, treatMissingData: "ignore" },
    ]);
    assert.match(alarmOf(asked, "machines-missing").alarmDescription, /fewer than 3 machines/);
  });

  it("wait longer for a missing machine than for one that does not come up, and for the next", async () => {
    const { asked } = await program(FLEET);
    const { initialLifecycleHooks: [launch] = [] } = find<{ initialLifecycleHooks?: { heartbeatTimeout: number }[] }>(
      asked,
      "aws:autoscaling/group:Group",
    );
    const { evaluationPeriods, period } = find<{ evaluationPeriods: number; period: number }>(
      asked,
      ALARM,
      "mtls-proxy-machines-missing",
    );
    assert.ok(evaluationPeriods * period >= (launch?.heartbeatTimeout ?? Number.NaN) + 4 * 60);
  });

  it("name the section of docs/operations.md that tells what to do", async () => {
    const page = readFileSync(join(__dirname, "../../docs/operations.md"), "utf8");
    const both = [await program(), await program(FLEET)];
    for (const { alarmDescription } of both.flatMap(({ asked }) => all<Alarm>(asked, ALARM))) {
      const [, section] = /\. What to do: "(.+)" in docs\/operations\.md\.$/.exec(alarmDescription) ?? [];
      assert.ok(section && page.includes(`\n## ${section}\n`), alarmDescription);
    }
  });

  it("ring at what is set, and say so", async () => {
    const { asked } = await program({ monitoring: { errorPercent: 12, refusalsPerFiveMinutes: 345 } });
    for (const [name, threshold] of [
      ["error-rate", 12],
      ["refusals", 345],
    ] as const) {
      const alarm = alarmOf(asked, name);
      assert.equal(alarm.threshold, threshold);
      assert.ok(alarm.alarmDescription.includes(`${threshold}`), alarm.alarmDescription);
    }
  });

  it("leave half of the time in which a certificate can be renewed, however short it is", async () => {
    const { asked } = await program({ certificates: { leafDays: 30, renewDays: 15 } });
    for (const name of ["server-certificate", "client-certificate"]) {
      assert.equal(alarmOf(asked, name).threshold, 7);
      assert.match(alarmOf(asked, name).alarmDescription, /in less than 7 days/);
    }
  });

  it("tell the stack's topic when they ring and when it is over", async () => {
    for (const { alarmActions, okActions, name } of all<Alarm>((await program()).asked, ALARM))
      assert.deepEqual([alarmActions, okActions], [[TOPIC], [TOPIC]], name);
  });

  it("watch metrics that there are", async () => {
    for (const settings of [{}, FLEET]) {
      const { asked } = await program(settings);
      const known = ownMetrics(asked);
      for (const { name, namespace, metricName, metricQueries = [] } of all<Alarm>(asked, ALARM)) {
        const watched = [{ namespace, metricName }, ...metricQueries.map(({ metric }) => metric)].filter(
          (metric) => metric?.metricName,
        );
        assert.ok(watched.length > 0, name);
        for (const { namespace: whose, metricName: what = "" } of watched.flatMap((metric) => metric ?? [])) {
          if (whose === "AWS/NetworkELB") assert.ok(TARGET_METRICS.includes(what), `${name}: ${what}`);
          else {
            assert.equal(whose, STACK, name);
            assert.ok(known.has(what), `${name}: ${what}`);
          }
        }
      }
    }
  });
});

describe("the topic", () => {
  it("takes messages of this account's alarms, and of nobody else", async () => {
    const { arn, policy } = find<{ arn: string; policy: string }>(
      (await program()).asked,
      "aws:sns/topicPolicy:TopicPolicy",
    );
    assert.equal(arn, TOPIC);
    assert.deepEqual(JSON.parse(policy), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AlarmsOfThisAccount",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: TOPIC,
          Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
        },
      ],
    });
  });

  it("passes them on to the address that is set", async () => {
    const { asked } = await program({ monitoring: { email: "operations@example.com" } });
    assert.deepEqual(find(asked, "aws:sns/topicSubscription:TopicSubscription"), {
      topic: TOPIC,
      protocol: "email",
      endpoint: "operations@example.com",
    });
  });
});

describe("the machine's bundle", () => {
  const filesOf = ({ asked }: { asked: Asked[] }): Record<string, string> => {
    const { secretBinary } = find<{ secretBinary: string }>(asked, "aws:secretsmanager/secretVersion:SecretVersion");
    return JSON.parse(gunzipSync(Buffer.from(secretBinary, "base64")).toString()).files;
  };

  it("says where to report, and nothing of it when monitoring is off", async () => {
    const { "telemetry.json": where = "" } = filesOf(await program());
    assert.deepEqual(JSON.parse(where), { logGroup: STACK, namespace: STACK });
    assert.equal(filesOf(await program({ monitoring: { enabled: false } }))["telemetry.json"], undefined);
  });
});

describe("the dashboard", () => {
  const widgetsOf = (asked: Asked[]): Widget[] =>
    JSON.parse(find<{ dashboardBody: string }>(asked, DASHBOARD).dashboardBody).widgets;
  const metricsIn = (widgets: Widget[]) => widgets.flatMap(({ properties }) => properties.metrics ?? []);

  it("shows every alarm on top, and asks below, in three columns: is it me, the proxy or the backend?", async () => {
    const { asked } = await program();
    const [alarms, ...others] = widgetsOf(asked);
    const arns = asked
      .filter(({ type }) => type === ALARM)
      .map(({ name }) => `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:${name}`);
    assert.deepEqual([alarms?.type, alarms?.y, alarms?.width], ["alarm", 0, 24]);
    assert.deepEqual([...(alarms?.properties.alarms ?? [])].sort(), arns.sort());
    const titles = others.flatMap(({ x, properties }) =>
      properties.markdown ? [[x, properties.markdown.split("\n")[0]]] : [],
    );
    assert.deepEqual(titles, [
      [0, "# Is it me?"],
      [8, "# Is it the proxy?"],
      [16, "# Is it the backend?"],
    ]);
  });

  it("has no widget on another, and none outside the grid", async () => {
    const taken = new Set<string>();
    for (const { x, y, width, height } of widgetsOf((await program()).asked)) {
      assert.ok(x >= 0 && x + width <= 24);
      for (let column = x; column < x + width; column++)
        for (let row = y; row < y + height; row++) {
          assert.ok(!taken.has(`${column} ${row}`), `${column} ${row} is taken twice`);
          taken.add(`${column} ${row}`);
        }
    }
  });

  it("names only metrics that exist, in the machine's region, and every one that there is", async () => {
    const { asked } = await program();
    const widgets = widgetsOf(asked);
    for (const { type, properties } of widgets) if (type === "metric") assert.equal(properties.region, REGION);
    const known = ownMetrics(asked);
    const shown = new Set<string>();
    for (const [namespace, name, ...rest] of metricsIn(widgets)) {
      const dimensions = rest.filter((part) => typeof part === "string");
      if (typeof namespace === "object") continue; // an expression of the others
      if (namespace === "AWS/EC2") {
        assert.ok(EC2_METRICS.includes(String(name)), String(name));
        assert.deepEqual(dimensions, ["InstanceId", "mtls-proxy-machine-id"]);
        continue;
      }
      assert.equal(namespace, STACK);
      assert.ok(known.has(String(name)), String(name));
      const [dimension, code = ""] = dimensions;
      if (dimension) assert.deepEqual([name, dimension, code in PROXY_ERROR_STATUSES], ["Refusals", "code", true]);
      shown.add(String(name));
    }
    assert.deepEqual([...shown].sort(), [...known].sort());
  });

  it("shows how many of a fleet's machines are healthy, and at how few it rings", async () => {
    const widgets = widgetsOf((await program({ ...FLEET, fleet: { min: 3 } })).asked);
    const counting = widgets.filter(({ properties }) =>
      properties.metrics?.some(([namespace]) => namespace === "AWS/NetworkELB"),
    );
    assert.deepEqual(
      counting.flatMap(({ properties }) => properties.metrics),
      [
        [
          "AWS/NetworkELB",
          "HealthyHostCount",
          ...Object.entries(COUNTED).flat(),
          { stat: "Maximum", label: "healthy" },
        ],
      ],
    );
    assert.deepEqual(counting[0]?.properties.annotations?.horizontal[0]?.value, 3);
    const single = JSON.stringify(widgetsOf((await program()).asked));
    assert.ok(!single.includes("AWS/NetworkELB"));
  });

  it("shows each code with which a request can be refused", async () => {
    const codes = metricsIn(widgetsOf((await program()).asked)).flatMap(([, name, dimension, code]) =>
      name === "Refusals" && dimension === "code" ? [String(code)] : [],
    );
    const ofDestinations = ["destination_unreachable", "destination_failed", "destination_timeout"];
    assert.deepEqual([...codes, ...ofDestinations, "internal_error"].sort(), Object.keys(PROXY_ERROR_STATUSES).sort());
  });

  it("computes with metrics that its graph has", async () => {
    const graphs = widgetsOf((await program()).asked).map(({ properties }) => properties.metrics ?? []);
    let expressions = 0;
    for (const graph of graphs) {
      const ids = graph.map((metric) => (metric.at(-1) as { id?: string }).id);
      for (const [first] of graph) {
        const { expression } = Object(first) as { expression?: string };
        if (!expression) continue;
        expressions++;
        for (const [used] of expression.matchAll(/[a-z]\w*/g)) assert.ok(ids.includes(used), used);
      }
    }
    assert.equal(expressions, 1);
  });

  it("has CPU credits where the machine has any", async () => {
    const hasCredits = async (instanceType: string) =>
      metricsIn(widgetsOf((await program({ machine: { instanceType } })).asked)).some(
        ([, name]) => name === "CPUCreditBalance",
      );
    assert.deepEqual([await hasCredits("t4g.small"), await hasCredits("c7g.large")], [true, false]);
  });

  it("is one of those that AWS gives free of charge: 50 metrics at most", async () => {
    const metrics = metricsIn(widgetsOf((await program()).asked));
    assert.ok(metrics.length <= 50, `${metrics.length}`);
  });
});

describe("an ARN", () => {
  it("that names no place is refused, rather than taken for another region's", () => {
    assert.throws(() => placeOf("arn:aws:s3:::bucket"), /names no partition, region and account: arn:aws:s3:::bucket/);
  });
});

const ownMetrics = (asked: Asked[]): Set<string> =>
  new Set([
    ...MACHINE_METRICS.map(({ name }) => name),
    ...all<Filter>(asked, FILTER).map(({ metricTransformation }) => metricTransformation.name),
  ]);
