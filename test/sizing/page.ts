import { join } from "node:path";
import {
  busyProcessors,
  type Fleet,
  foretoldMix,
  gigabits,
  type Load,
  limitsOf,
  logDollars,
  type Measured,
  machinesFor,
  mediansOf,
  type Spread,
  savedBySharing,
  TYPES,
} from "./formulas";

export const PAGE = join(__dirname, "../../docs/sizing.md");

/** The parts of the page that come from measurements, by the name in their marks: `<!-- measured: NAME -->` to `<!-- end -->`. */
const BLOCKS: Record<string, (measured: Measured) => string[]> = {
  machine: ({ date, processor, processors, nginx, openssl, rounds }) => [
    `Measured on ${date}: ${processors} processors "${processor}", nginx ${nginx}, OpenSSL ${openssl}; median of ${rounds} rounds, and the least and the most of them.`,
  ],
  costs: ({ fleets }) =>
    table(
      ["Microseconds of nginx's processor time", ...Object.keys(fleets).map(machines)],
      ...ROWS.map(([name, title]) => [title, ...Object.values(fleets).map((fleet) => spread(fleet[name]))]),
    ),
  foretold: (measured) =>
    table(
      ["All kinds of work at once, milliseconds", "foretold", "measured", "busiest machine, 1 is an even share"],
      ...Object.entries(measured.fleets).map(([size, { mix, busiest }]) => [
        machines(size),
        milliseconds(foretoldMix(measured, size)),
        `${milliseconds(mix.median)} (${milliseconds(mix.least)} to ${milliseconds(mix.most)})`,
        busiest.median.toFixed(2),
      ]),
    ),
  resumption: (measured) => {
    const costs = costsOf(measured);
    const rows = [1, 10, 100, 1_000].map((requests) => [
      requests.toLocaleString("en"),
      ...[2, 3, 10].map((size) => `${(savedBySharing(costs, size, requests) * 100).toFixed(1)} %`),
    ]);
    return table(["Requests on a connection", ...["2", "3", "10"].map(machines)], ...rows);
  },
  fleets: (measured) =>
    table(
      [
        ...["Requests a second", "new connections", "payload, Gbit/s", "busy processors", "machines", "log, $ a month"],
        "first reached without asking AWS",
      ],
      ...EXAMPLES.map(([load, fleet]) => example(load, fleet, measured)),
    ),
};

const ROWS = [
  ["request", "a request on a kept connection"],
  ["fullHandshake", "a new connection, full handshake"],
  ["resumedHandshake", "a new connection, resumed session"],
  ["mebibyte", "a MiB of payload"],
] as const;

/** A hundred requests on each connection, 10 KiB each, by one client, answered in 0.1 s by one destination. */
const load = (requests: number): Load => ({
  requests,
  newConnections: requests / 100,
  mebibytes: (requests * 10) / 1_024,
  resumedShare: 0,
});
const fleet = (type: keyof typeof TYPES, zones: number): Fleet => ({
  type: TYPES[type],
  targetCpuPercent: 50,
  zones,
  natGateways: zones,
  answers: 0.1,
  destinations: 1,
  clients: 1,
});
const EXAMPLES: [Load, Fleet][] = [
  [load(100), fleet("micro", 2)],
  [load(1_000), fleet("medium", 2)],
  [load(10_000), fleet("medium", 2)],
  [load(100_000), fleet("xlarge", 2)],
  [load(1_000_000), fleet("xlarge", 3)],
];

function example(of: Load, by: Fleet, measured: Measured): string[] {
  const costs = costsOf(measured);
  const reached = limitsOf(of, costs, by).filter(({ needed, given }) => needed > given);
  return [
    of.requests.toLocaleString("en"),
    of.newConnections.toLocaleString("en"),
    figures(gigabits(of)),
    figures(busyProcessors(of, costs)),
    `${machinesFor(of, costs, by)} ${by.type.name}`,
    figures(logDollars(of)),
    reached.map(({ name, helps }) => `${name} (${helps})`).join(", ") || "none",
  ];
}

function costsOf({ fleets }: Measured) {
  const one = fleets["1"];
  if (!one) throw new Error("one machine was not measured");
  return mediansOf(one);
}

const machines = (size: string): string => (size === "1" ? "1 machine" : `${size} machines`);
/** Two of them that count. */
const figures = (value: number): string =>
  Number(value.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 4 });
const milliseconds = (microseconds: number): string => (microseconds / 1_000).toFixed(0);
const spread = ({ median, least, most }: Spread): string =>
  `${median.toFixed(0)} (${least.toFixed(0)} to ${most.toFixed(0)})`;

function table(...[head = [], ...rows]: string[][]): string[] {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...rows.map(row)];
}

/** The page with what was measured in its marked blocks. */
export function withBlocks(page: string, measured: Measured): string {
  return page.replace(/(<!-- measured: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, begin, name: string, end) => {
    const block = BLOCKS[name];
    if (!block) throw new Error(`the page has a block ${name}, which nobody measures`);
    return `${begin}\n${block(measured).join("\n")}\n\n${end}`;
  });
}
