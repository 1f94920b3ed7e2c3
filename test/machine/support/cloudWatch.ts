import type { IncomingMessage } from "node:http";

export type Watching = "logs" | "monitoring";

interface LogEvent {
  timestamp: number;
  message: string;
}

interface Reply {
  status: number;
  content: unknown;
}

/** Limits of PutLogEvents (Amazon CloudWatch Logs API reference), in bytes, events and milliseconds. */
const BATCH_BYTES = 1_048_576;
const BYTES_BESIDE_MESSAGE = 26;
const BATCH_EVENTS = 10_000;
const EVENT_BYTES = 256 * 1024;
const HOUR_MS = 3_600_000;
const [BATCH_MS, PAST_MS, FUTURE_MS] = [24 * HOUR_MS, 14 * 24 * HOUR_MS, 2 * HOUR_MS];

/** CloudWatch and its logs: keeps what is sent, and refuses what AWS documents that it refuses. */
export class CloudWatch {
  /** Streams by the log group's name, and what each has got, in the order in which it came. */
  readonly groups = new Map<string, Map<string, LogEvent[]>>();
  /** What PutMetricData brought, oldest first. */
  readonly numbers: { namespace: string; values: Record<string, number>; units: Record<string, string> }[] = [];
  /** Every request, as it came. */
  readonly received: string[] = [];
  /** How many events each accepted batch had. */
  readonly batches: number[] = [];
  /** Batches that broke a limit. */
  refused = 0;

  /** All messages of a group. */
  lines(group: string): string[] {
    return [...(this.groups.get(group)?.values() ?? [])].flatMap((events) => events.map(({ message }) => message));
  }

  /** @returns the action that is asked, and what does it */
  receive(service: Watching, { headers }: IncomingMessage, body: Buffer): { action: string; reply: () => Reply } {
    const text = body.toString();
    this.received.push(`${JSON.stringify(headers)}\n${text}`);
    if (service === "monitoring") {
      const said = new URLSearchParams(text);
      return { action: said.get("Action") ?? "", reply: () => this.#putMetricData(said) };
    }
    const action = String(headers["x-amz-target"]).replace("Logs_20140328.", "");
    return { action, reply: () => this.#logs(action, JSON.parse(text)) };
  }

  #logs(action: string, said: { logGroupName: string; logStreamName: string; logEvents: LogEvent[] }): Reply {
    const streams = this.groups.get(said.logGroupName);
    if (!streams) return refused("ResourceNotFoundException");
    const stream = streams.get(said.logStreamName);
    if (action === "CreateLogStream") {
      if (stream) return refused("ResourceAlreadyExistsException");
      streams.set(said.logStreamName, []);
      return { status: 200, content: {} };
    }
    if (action !== "PutLogEvents") return refused("UnknownOperationException");
    if (!stream) return refused("ResourceNotFoundException");
    if (breaksLimit(said.logEvents)) {
      this.refused += 1;
      return refused("InvalidParameterException");
    }
    return { status: 200, content: this.#keep(stream, said.logEvents) };
  }

  #keep(stream: LogEvent[], events: LogEvent[]): object {
    const tooOld = events.filter(({ timestamp }) => timestamp < Date.now() - PAST_MS).length;
    const tooNew = events.findIndex(({ timestamp }) => timestamp > Date.now() + FUTURE_MS);
    stream.push(...events.slice(tooOld, tooNew === -1 ? undefined : tooNew));
    this.batches.push(events.length);
    if (tooOld === 0 && tooNew === -1) return {};
    return {
      rejectedLogEventsInfo: {
        ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
        ...(tooNew !== -1 && { tooNewLogEventStartIndex: tooNew }),
      },
    };
  }

  #putMetricData(said: URLSearchParams): Reply {
    const namespace = said.get("Namespace");
    if (said.get("Version") !== "2010-08-01" || said.get("Action") !== "PutMetricData" || !namespace)
      return refused("InvalidParameterValue");
    const field = (index: number, name: string) => said.get(`MetricData.member.${index}.${name}`);
    const [values, units]: [Record<string, number>, Record<string, string>] = [{}, {}];
    for (let index = 1; field(index, "MetricName") !== null; index++) {
      const [name, value, unit] = ["MetricName", "Value", "Unit"].map((part) => field(index, part) ?? "");
      if (!name || !value || !Number.isFinite(Number(value))) return refused("InvalidParameterValue");
      values[name] = Number(value);
      units[name] = unit ?? "";
    }
    this.numbers.push({ namespace, values, units });
    return { status: 200, content: "" };
  }
}

const refused = (type: string): Reply => ({ status: 400, content: { __type: type } });

function breaksLimit(events: LogEvent[]): boolean {
  const [first, last] = [events[0], events.at(-1)];
  const sizes = events.map(({ message }) => Buffer.byteLength(message));
  return (
    !first ||
    !last ||
    events.length > BATCH_EVENTS ||
    sizes.some((bytes) => bytes === 0 || bytes + BYTES_BESIDE_MESSAGE > EVENT_BYTES) ||
    sizes.reduce((sum, bytes) => sum + bytes + BYTES_BESIDE_MESSAGE, 0) > BATCH_BYTES ||
    events.some(({ timestamp }, index) => timestamp < (events[index - 1]?.timestamp ?? 0)) ||
    last.timestamp - first.timestamp > BATCH_MS
  );
}
