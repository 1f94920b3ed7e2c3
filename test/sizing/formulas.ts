import { parseSettings } from "@app-builder-mtls/proxy";

/** Median of the rounds, and the least and the most of them. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Microseconds of nginx's processor time. */
export interface Costs {
  /** A request on a kept connection, with an answer of 1,000 bytes. */
  request: number;
  /** A new connection beside its requests, by a full handshake. */
  fullHandshake: number;
  /** The same, by a session that is resumed. */
  resumedHandshake: number;
  /** A MiB of payload beside its request. */
  mebibyte: number;
}

export type MeasuredFleet = Record<keyof Costs, Spread> & {
  /** Work of all kinds at once: microseconds for all of it. */
  mix: Spread;
  /** Which part of the mix's new connections resumed a session. */
  resumedShare: Spread;
  /** What the busiest machine did of the mix, against an even share: 1 is even. */
  busiest: Spread;
};

/** What `npm run measure:fleet` writes. */
export interface Measured {
  date: string;
  processor: string;
  processors: number;
  nginx: string;
  openssl: string;
  rounds: number;
  mix: { requests: number; again: number; mebibytes: number };
  /** By the number of machines. */
  fleets: Record<string, MeasuredFleet>;
}

/** All of it in a second. */
export interface Load {
  requests: number;
  newConnections: number;
  /** Payload, bodies of requests and answers together. */
  mebibytes: number;
  /** Which part of the new connections resumes a session, 0 to 1. */
  resumedShare: number;
}

/** How many processors a load keeps busy: processor seconds a second. */
export function busyProcessors({ requests, newConnections, mebibytes, resumedShare }: Load, costs: Costs): number {
  const handshake = resumedShare * costs.resumedHandshake + (1 - resumedShare) * costs.fullHandshake;
  return (requests * costs.request + newConnections * handshake + mebibytes * costs.mebibyte) / 1_000_000;
}

export interface InstanceType {
  name: string;
  processors: number;
  /** Which part of them may be busy for good: a tenth of each of a t4g.micro's. */
  lasting: number;
  /** Network for good, in each direction; what a type may have "up to" lasts minutes. */
  gigabits: number;
}

/** Processors and lasting network by Amazon's instance type pages, from memory but for t4g.micro's. */
export const TYPES = {
  micro: { name: "t4g.micro", processors: 2, lasting: 0.1, gigabits: 0.064 },
  medium: { name: "c7g.medium", processors: 1, lasting: 1, gigabits: 0.52 },
  xlarge: { name: "c7g.xlarge", processors: 4, lasting: 1, gigabits: 1.876 },
} satisfies Record<string, InstanceType>;

export interface Fleet {
  type: InstanceType;
  /** `fleet.targetCpuPercent` */
  targetCpuPercent: number;
  zones: number;
  natGateways: number;
  /** Seconds that a destination takes to answer. */
  answers: number;
  destinations: number;
  clients: number;
}

/** Two at least: a fleet's point. */
const LEAST_MACHINES = 2;

export function gigabits({ mebibytes }: Pick<Load, "mebibytes">): number {
  return (mebibytes * 2 ** 20 * 8) / 1e9;
}

/** How many machines a load needs, by processor time or by network, whichever is more. */
export function machinesFor(load: Load, costs: Costs, { type, targetCpuPercent }: Fleet): number {
  const usable = type.processors * Math.min(type.lasting, targetCpuPercent / 100);
  const byProcessor = Math.ceil(busyProcessors(load, costs) / usable);
  const byNetwork = Math.ceil(gigabits(load) / type.gigabits);
  return Math.max(LEAST_MACHINES, byProcessor, byNetwork);
}

export interface Limit {
  name: string;
  needed: number;
  given: number;
  helps: string;
}

/** Bytes that a request's line takes in the log, AWS's own 26 included (docs/operations.md: 0.53 GB for a million). */
const LOG_BYTES = 530;
/** Dollars for a GB of log, us-east-1. */
const LOG_DOLLARS = 0.5;
const MONTH_SECONDS = 730 * 3_600;

/** What AWS and nginx give before anybody asks for more; sources are in docs/sizing.md. */
export const GIVEN = {
  targets: 500,
  vcpus: 5,
  elasticIps: 5,
  natConnections: 55_000,
  natGigabits: 100,
  workerConnections: 8_000,
  describeSecret: 40_000,
  logCalls: 5_000,
  /** On each machine: a limit counts what one machine sees. */
  requestsPerClient: parseSettings({ destinations: [{ url: "https://api.example.com" }] }).limits
    .requestsPerSecondPerClient,
};

/** Bytes that one call to CloudWatch Logs takes. */
const CALL_BYTES = 2 ** 20;
/** A machine asks for the secret once a minute. */
const ASKS_SECONDS = 60;

/** What a load needs of each thing that is limited, the one that is reached first in front. */
export function limitsOf(load: Load, costs: Costs, fleet: Fleet): Limit[] {
  const machines = machinesFor(load, costs, fleet);
  const { type, zones, natGateways, answers, destinations, clients } = fleet;
  const underWay = load.requests * answers;
  const limits: Limit[] = [
    {
      name: "our own limits",
      needed: load.requests / clients / machines,
      given: GIVEN.requestsPerClient,
      helps: "`limits.requestsPerSecondPerClient`",
    },
    { name: "vCPU quota", needed: machines * type.processors, given: GIVEN.vcpus, helps: "ask AWS for more" },
    {
      name: "Elastic IP quota",
      needed: zones + natGateways,
      given: GIVEN.elasticIps,
      helps: "`network.elasticIpQuota`",
    },
    { name: "load balancer's targets", needed: machines, given: GIVEN.targets, helps: "larger `machine.instanceType`" },
    {
      name: "NAT ports",
      needed: underWay / destinations,
      given: GIVEN.natConnections * natGateways,
      helps: "more `fleet.zones`, `fleet.natGateways: perZone`",
    },
    {
      name: "NAT bandwidth",
      needed: gigabits(load),
      given: GIVEN.natGigabits * natGateways,
      helps: "more `fleet.zones`, `fleet.natGateways: perZone`",
    },
    {
      name: "nginx's connections",
      needed: (2 * underWay) / (machines * type.processors),
      given: GIVEN.workerConnections,
      helps: "lower `fleet.targetCpuPercent`",
    },
    {
      name: "DescribeSecret",
      needed: machines / ASKS_SECONDS,
      given: GIVEN.describeSecret,
      helps: "fewer, larger machines",
    },
    {
      name: "PutLogEvents",
      needed: (load.requests * LOG_BYTES) / CALL_BYTES,
      given: GIVEN.logCalls,
      helps: "`monitoring.enabled: false`",
    },
  ];
  return limits.sort((one, other) => other.needed / other.given - one.needed / one.given);
}

/** Dollars a month for the access log in CloudWatch, if the load lasts. */
export const logDollars = ({ requests }: Pick<Load, "requests">): number =>
  ((requests * MONTH_SECONDS * LOG_BYTES) / 1e9) * LOG_DOLLARS;

/** Which part of a fleet's work shared sessions would save, where each new connection carries so many requests. */
export function savedBySharing(costs: Costs, machines: number, requestsPerConnection: number): number {
  const now = { requests: requestsPerConnection, newConnections: 1, mebibytes: 0, resumedShare: 1 / machines };
  return 1 - busyProcessors({ ...now, resumedShare: 1 }, costs) / busyProcessors(now, costs);
}

export const mediansOf = (fleet: MeasuredFleet): Costs => ({
  request: fleet.request.median,
  fullHandshake: fleet.fullHandshake.median,
  resumedHandshake: fleet.resumedHandshake.median,
  mebibyte: fleet.mebibyte.median,
});

/** What one machine's costs foretell of the mix on a fleet, in microseconds. */
export function foretoldMix({ mix, fleets }: Measured, size: string): number {
  const [one, fleet] = [fleets["1"], fleets[size]];
  if (!one || !fleet) throw new Error(`a fleet of ${size} was not measured`);
  const costs = mediansOf(one);
  const load = {
    requests: mix.requests + mix.again + mix.mebibytes,
    newConnections: mix.again,
    mebibytes: mix.mebibytes,
    resumedShare: fleet.resumedShare.median,
  };
  return busyProcessors(load, costs) * 1_000_000;
}
