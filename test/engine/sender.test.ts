import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MACHINE_METRICS } from "@app-builder-mtls/proxy";
import { ask, startMachine } from "../machine/support/machine";
import { LOG_GROUP, NAMESPACE, reporting, superviseSender } from "../machine/support/sender";
import { until } from "../support/until";
import { call, query, values } from "./emulatedAws";

/** A turn of the sender, and for a busy machine some more. */
const SENT_MS = 60_000;

interface Events {
  events: { logStreamName: string; timestamp: number; message: string }[];
}

describe("the sender, before an emulator that is not ours", function () {
  this.timeout(180_000);

  it("brings the log's lines and the machine's numbers to where CloudWatch's readers find them", async () => {
    await using machine = await startMachine();
    const client = await machine.stack.client("app-builder");
    await call("logs", "CreateLogGroup", { logGroupName: LOG_GROUP });
    await machine.follow(reporting(machine));
    for (const path of ["/ä", "/b"]) await ask(machine.port, encodeURI(path), machine.stack.ca, client);
    const { AWS_ENDPOINT_URL, AWS_REGION = "us-east-1" } = process.env;
    await using sender = superviseSender({
      ...machine,
      environment: { ...machine.environment, AWS_ENDPOINT_URL, AWS_REGION },
    });

    const found = () => query("monitoring", "ListMetrics", { Namespace: NAMESPACE });
    await until(async () => values(await found(), "MetricName").length > 0, SENT_MS);
    assert.deepEqual(
      values(await found(), "MetricName").sort(),
      MACHINE_METRICS.map(({ name }) => name as string).sort(),
    );
    const logged = readFileSync(join(machine.run, "logs/access.log"), "utf8").trimEnd().split("\n");
    const { events } = await call<Events>("logs", "FilterLogEvents", { logGroupName: LOG_GROUP });
    assert.ok(events.length >= 2);
    assert.deepEqual(
      events.map(({ message }) => message),
      logged.slice(0, events.length),
    );
    for (const { logStreamName, timestamp, message } of events)
      assert.deepEqual([logStreamName, timestamp], ["i-0123456789abcdef0", Date.parse(JSON.parse(message).time)]);
    assert.deepEqual(sender.journal, [{ outcome: "sending" }]);
  });
});
