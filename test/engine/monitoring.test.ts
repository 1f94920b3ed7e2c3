import assert from "node:assert/strict";
import { LOG_METRICS } from "../../infra/monitoring/logMetrics";
import { call, inventory, query, values } from "./emulatedAws";
import { publishedBundle } from "./publishedBundle";
import { type Changes, Stack } from "./stack";

const SETTINGS = { destinations: [{ url: "https://api.example.com" }] };

const INSTANCE = "aws:ec2/instance:Instance";
const BUNDLE = "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle";
const POLICY = "aws:iam/rolePolicy:RolePolicy mtls-proxy-machine";
const ALARMS = ["client-certificate", "error-rate", "machine-down", "refusals", "server-certificate", "sync-failing"];

interface Filter {
  filterPattern: string;
  metricTransformations: { metricName: string; metricNamespace: string }[];
}

describe("monitoring", function () {
  this.timeout(300_000);
  let accountBefore: string[];
  let stack: Stack;
  let machine: string;

  before(async () => {
    accountBefore = await inventory();
    stack = await Stack.create();
    await up({});
    machine = await machineId();
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  async function up(monitoring: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<Changes> {
    await stack.configure({ ...SETTINGS, monitoring, ...more });
    const { succeeded, text, changes } = await stack.up();
    assert.ok(succeeded, text);
    return changes;
  }

  async function machineId(): Promise<string> {
    const found = (await stack.resources()).find(({ type }) => type === INSTANCE);
    assert.ok(found?.id);
    return found.id;
  }

  async function logGroup(): Promise<string> {
    const { logGroup: name } = await stack.outputs();
    return name ?? assert.fail("the stack has a log group");
  }

  const groupsInAccount = async () =>
    (await call<{ logGroups: { logGroupName: string; retentionInDays?: number }[] }>("logs", "DescribeLogGroups"))
      .logGroups;

  it("is there with the first pulumi up, and a second one changes nothing", async () => {
    const { succeeded, text, changes } = await stack.preview();
    assert.ok(succeeded, text);
    assert.deepEqual(changes, {});
  });

  it("keeps the access log for 30 days, in a group named after the stack", async () => {
    const name = await logGroup();
    assert.match(name, new RegExp(`^mtls-proxy-${stack.name}-[0-9a-f]{7}$`));
    const found = (await groupsInAccount()).find(({ logGroupName }) => logGroupName === name);
    assert.equal(found?.retentionInDays, 30);
  });

  it("tells the machine where to report, in its bundle", async () => {
    const name = await logGroup();
    const { files } = await publishedBundle(stack);
    assert.deepEqual(JSON.parse(files["telemetry.json"] ?? ""), { logGroup: name, namespace: name });
  });

  it("lets it report there and nowhere else", async () => {
    const name = await logGroup();
    const statements = await statementsOfRole();
    const [log, metrics] = ["WriteItsLog", "ReportMetrics"].map((sid) => statements.find(({ Sid }) => Sid === sid));
    assert.match(log?.Resource ?? "", new RegExp(`^arn:aws:logs:[a-z0-9-]+:\\d+:log-group:${name}:\\*$`));
    assert.deepEqual(metrics?.Condition, { StringEquals: { "cloudwatch:namespace": name } });
  });

  it("counts by filters that CloudWatch takes, into the stack's own namespace", async () => {
    const name = await logGroup();
    const { metricFilters } = await call<{ metricFilters: Filter[] }>("logs", "DescribeMetricFilters", {
      logGroupName: name,
    });
    assert.deepEqual(
      metricFilters
        .map(({ filterPattern, metricTransformations: [made] }) => [
          made?.metricNamespace,
          made?.metricName,
          filterPattern,
        ])
        .sort(),
      Object.values(LOG_METRICS)
        .map((metric) => [name, metric.name, metric.pattern])
        .sort(),
    );
  });

  it("has its alarms, which tell the topic, and a dashboard where the output says", async () => {
    const name = await logGroup();
    const alarms = await query("monitoring", "DescribeAlarms", { AlarmNamePrefix: name });
    assert.deepEqual(
      values(alarms, "AlarmName").sort(),
      ALARMS.map((alarm) => `${name}-${alarm}`),
    );
    const topics = values(await query("sns", "ListTopics"), "TopicArn");
    const told = new Set([...alarms.matchAll(/<member>(arn:aws:sns:[^<]+)<\/member>/g)].map(([, arn]) => arn));
    assert.equal(told.size, 1);
    for (const arn of told) assert.ok(topics.includes(arn ?? ""), arn);
    assert.ok(values(await query("monitoring", "ListDashboards"), "DashboardName").includes(name));
    assert.match((await stack.outputs()).dashboardUrl ?? "", new RegExp(`#dashboards/dashboard/${name}$`));
  });

  it("tells an e-mail address that is set, and touches nothing else for it", async () => {
    const email = "operations@example.com";
    assert.deepEqual(await up({ email }), {
      "aws:sns/topicSubscription:TopicSubscription mtls-proxy-alarms-email": "create",
    });
    assert.ok((await query("sns", "ListSubscriptions")).includes(`<Endpoint>${email}</Endpoint>`));
    assert.deepEqual((await stack.preview()).changes, {});
  });

  it("changes a period, a threshold and a topic's listeners in their place", async () => {
    const changes = await up({ logRetentionDays: 90, errorPercent: 10 });
    assert.deepEqual(changes, {
      [`aws:cloudwatch/logGroup:LogGroup mtls-proxy-${stack.name}`]: "update",
      "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-error-rate": "update",
      "aws:sns/topicSubscription:TopicSubscription mtls-proxy-alarms-email": "delete",
    });
  });

  it("goes without a trace when it is switched off, and the machine does not notice", async () => {
    const name = await logGroup();
    const changes = await up({ enabled: false }, { logFormat: "text" });
    const others = Object.entries(changes).filter(([what]) => !/^aws:(cloudwatch|sns)\//.test(what));
    assert.deepEqual(Object.fromEntries(others), { [BUNDLE]: "replace", [POLICY]: "update" });
    assert.deepEqual(
      (await inventory()).filter((one) => one.includes(name)),
      [],
    );
    const outputs = await stack.outputs();
    assert.deepEqual([outputs.dashboardUrl, outputs.logGroup], [undefined, undefined]);
    assert.equal((await publishedBundle(stack)).files["telemetry.json"], undefined);
    assert.deepEqual(
      (await statementsOfRole()).map(({ Sid }) => Sid),
      ["ReadItsBundle", "SessionManager"],
    );
    assert.equal(await machineId(), machine);
  });

  it("comes back when it is switched on, with the same machine", async () => {
    const changes = await up({});
    assert.deepEqual(
      Object.keys(changes).filter((what) => what.startsWith(INSTANCE)),
      [],
    );
    assert.equal(await machineId(), machine);
    assert.ok((await publishedBundle(stack)).files["telemetry.json"]);
  });

  it("leaves nothing behind", async () => {
    const { succeeded, text } = await stack.destroy();
    assert.ok(succeeded, text);
    assert.deepEqual(await inventory(), accountBefore);
  });

  async function statementsOfRole(): Promise<{ Sid: string; Resource: string; Condition?: object }[]> {
    const policy = (await stack.resources()).find(
      ({ urn }) => urn.endsWith(`::${POLICY.split(" ")[1]}`) && urn.includes("RolePolicy"),
    );
    const [RoleName = "", PolicyName = ""] = policy?.id?.split(":") ?? [];
    const [document = ""] = values(await query("iam", "GetRolePolicy", { RoleName, PolicyName }), "PolicyDocument");
    return JSON.parse(decodeURIComponent(document)).Statement;
  }
});
