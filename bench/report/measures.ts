/** Of the values in results.json. Of `per second` more is better, of all others less. */
type Unit = "ms" | "µs" | "per second" | "KiB" | "lost of a million";

interface MeasureText {
  title: string;
  unit: Unit;
}

/** Every measure, in the order of the table. */
export const MEASURES = {
  warm: { title: "Warm call, p50", unit: "ms" },
  "handshake.full": { title: "New connection to its first answer, p50", unit: "ms" },
  "handshake.resumed": { title: "The same with a resumed session, p50", unit: "ms" },
  "cpu.16": { title: "Processor time a request, 16 connections", unit: "µs" },
  "cpu.64": { title: "Processor time a request, 64 connections", unit: "µs" },
  "cpu.200": { title: "Processor time a request, 200 connections", unit: "µs" },
  "cpu.connection": { title: "Processor time a new connection with one request", unit: "µs" },
  "throughput.16": { title: "Requests a second, 16 connections", unit: "per second" },
  "throughput.64": { title: "Requests a second, 64 connections", unit: "per second" },
  "throughput.200": { title: "Requests a second, 200 connections", unit: "per second" },
  "body.1": { title: "Answer of 1 MiB, p50", unit: "ms" },
  "body.100": { title: "Answer of 100 MiB", unit: "ms" },
  "idle.1000": { title: "Memory an idle connection, of 1,000", unit: "KiB" },
  "idle.10000": { title: "Memory an idle connection, of 10,000", unit: "KiB" },
  client: { title: "Warm call, p50", unit: "ms" },
  "first.unbundled": { title: "New process: load, connect, first answer", unit: "ms" },
  "second.unbundled": { title: "Its second call", unit: "ms" },
  "first.built": { title: "The same, as a built action", unit: "ms" },
  "second.built": { title: "Its second call", unit: "ms" },
  "rtt20.warm": { title: "Warm call, 20 ms round trip", unit: "ms" },
  "rtt20.first": { title: "New process to first answer, 20 ms round trip", unit: "ms" },
  "rtt80.warm": { title: "Warm call, 80 ms round trip", unit: "ms" },
  "rtt80.first": { title: "New process to first answer, 80 ms round trip", unit: "ms" },
  overhead: { title: "The library's own time a call, over node-fetch with an agent", unit: "µs" },
  reload: { title: "Idempotent calls lost in reloads under load", unit: "lost of a million" },
} satisfies Record<string, MeasureText>;

export type MeasureName = keyof typeof MEASURES;

export const SIDES = {
  ours: "ours",
  again: "ours again",
  guide: "the guide's",
  haproxy: "haproxy",
  caddy: "caddy",
  stunnel: "stunnel",
  node: "plain Node proxy",
  "direct-mtls": "direct, mutual TLS",
  "direct-tls": "direct, TLS",
  https: "https.request",
  undici: "undici",
  "node-fetch": "node-fetch",
} as const;

export type SideName = keyof typeof SIDES;

/** The proxies and the limit, each behind the same client. */
export const SERVERS: SideName[] = [
  "ours",
  "again",
  "guide",
  "haproxy",
  "caddy",
  "stunnel",
  "node",
  "direct-mtls",
  "direct-tls",
];

/** The clients: the guide's in front of the guide's proxy, all others in front of ours. */
export const CLIENTS: SideName[] = ["ours", "again", "guide", "https", "undici", "node-fetch"];

const OF_CLIENTS = /^(client|first|second|rtt)/;
const OF_ONE = /^(overhead|reload)/;

const measureNames = (): MeasureName[] => Object.keys(MEASURES) as MeasureName[];
export const serverMeasures = (): MeasureName[] =>
  measureNames().filter((name) => !OF_CLIENTS.test(name) && !OF_ONE.test(name));
export const clientMeasures = (): MeasureName[] => measureNames().filter((name) => OF_CLIENTS.test(name));

/** Of those that the load tool takes. */
export const isUnderLoad = (measure: MeasureName): boolean => /^(cpu|throughput)\./.test(measure);

export const isBetter = (measure: MeasureName, ratio: number): boolean =>
  MEASURES[measure].unit === "per second" ? ratio > 1 : ratio < 1;
