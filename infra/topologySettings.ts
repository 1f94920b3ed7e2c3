import { isDeepStrictEqual } from "node:util";
import { flag, only, text, whole } from "@app-builder-mtls/proxy";
import { z } from "zod";

/** An identifier as AWS writes it: `vpc-0a1b2c3d`. */
const awsId = (prefix: string) => {
  const allowed = `must be an identifier such as ${prefix}-0123456789abcdef0`;
  return text(allowed, (value) => new RegExp(`^${prefix}-[0-9a-f]{8,32}$`).test(value));
};
const SUBNETS_ALLOWED = "must be a list of subnets, a different one for each zone";
const subnets = z
  .array(awsId("subnet"), SUBNETS_ALLOWED)
  .refine((ids) => new Set(ids).size === ids.length, SUBNETS_ALLOWED);

/** AWS's own for Elastic IPs in a region, until it grants more. */
const ELASTIC_IP_QUOTA = 5;

const network = only({
  vpcId: awsId("vpc").optional(),
  subnetId: awsId("subnet").optional(),
  publicSubnetIds: subnets.optional(),
  privateSubnetIds: subnets.optional(),
  allocationId: awsId("eipalloc").optional(),
  keepAddress: flag().default(false),
  reserveFleetIps: flag().default(false),
  elasticIpQuota: whole(ELASTIC_IP_QUOTA, 1_000, "addresses").default(ELASTIC_IP_QUOTA),
  hostedZoneId: text("must be the identifier of a Route 53 hosted zone, such as Z0123456789ABCDEFGHIJ", (value) =>
    /^Z[0-9A-Z]{1,31}$/.test(value),
  ).optional(),
});

/** One machine is what `single` is for; a load balancer that passes between zones has 500 targets at most. */
const MACHINES = { least: 2, most: 500 };

const fleet = only({
  /** No region has more than 6. */
  zones: whole(2, 6, "zones").default(2),
  min: whole(MACHINES.least, MACHINES.most, "machines").default(2),
  max: whole(MACHINES.least, MACHINES.most, "machines").default(6),
  targetCpuPercent: whole(10, 90, "%").default(50),
  natGateways: z.enum(["perZone", "one"], "must be perZone or one").default("perZone"),
  deletionProtection: flag().default(true),
});

/** One machine or many, and where they stand. */
export const topologyFields = {
  topology: z.enum(["single", "fleet"], "must be single or fleet").default("single"),
  network: network.prefault({}),
  fleet: fleet.prefault({}),
};

type Fields = z.output<z.ZodObject<typeof topologyFields>> & {
  hostname?: string | undefined;
  machine: { terminationProtection: boolean };
};

export const natCount = ({ natGateways, zones }: Fields["fleet"]): number => (natGateways === "one" ? 1 : zones);

/** What must hold between the topology and what is set beside it. */
export function checkTopology(settings: Fields, context: z.RefinementCtx): void {
  const problems = settings.topology === "fleet" ? problemsOfFleet(settings) : problemsOfSingle(settings);
  for (const [place, message, input] of [...problems, ...problemsOfQuota(settings)])
    context.addIssue({ code: "custom", path: place.split("."), message, input });
}

/** Where, what is allowed, and what was given. */
type Complaint = [place: string, message: string, input: unknown];

function problemsOfSingle({ network, fleet: given }: Fields): Complaint[] {
  return [
    ...together(network, ["vpcId", "subnetId"]),
    ...leftOut(network, ["publicSubnetIds", "privateSubnetIds"], "beside topology single, which takes subnetId"),
    ...(network.vpcId ? noReserve(network) : []),
    // Protection is taken away before a fleet goes, and may be left so.
    ...(network.reserveFleetIps || isDeepStrictEqual({ ...given, deletionProtection: true }, fleet.parse({}))
      ? []
      : ([
          [
            "fleet",
            "must be left out beside topology single, unless network.reserveFleetIps reserves its addresses",
            given,
          ],
        ] as Complaint[])),
  ];
}

function problemsOfFleet({ network, fleet, hostname, machine }: Fields): Complaint[] {
  const complaints: Complaint[] = [
    ...together(network, ["vpcId", "publicSubnetIds", "privateSubnetIds"]),
    ...leftOut(network, ["subnetId"], "beside topology fleet, which takes publicSubnetIds and privateSubnetIds"),
    ...(network.vpcId ? noReserve(network) : []),
    ...(network.reserveFleetIps
      ? []
      : leftOut(
          network,
          ["allocationId"],
          "beside topology fleet: it is single's address, and network.reserveFleetIps keeps it",
        )),
  ];
  if (!hostname)
    complaints.push([
      "hostname",
      "must be given with topology fleet: it has an address in each zone, and only a name leads to all of them",
      hostname,
    ]);
  if (fleet.max < fleet.min) complaints.push(["fleet.max", `must be min (${fleet.min}) at least`, fleet.max]);
  for (const list of ["publicSubnetIds", "privateSubnetIds"] as const) {
    const count = network[list]?.length ?? fleet.zones;
    if (count !== fleet.zones)
      complaints.push([`network.${list}`, `must list ${fleet.zones}, one for each of fleet.zones`, network[list]]);
  }
  if (machine.terminationProtection) {
    complaints.push([
      "machine.terminationProtection",
      "must be false with topology fleet, whose machines come and go; fleet.deletionProtection protects the whole",
      true,
    ]);
  }
  return complaints;
}

type Network = Fields["network"];

function together(network: Network, names: (keyof Network)[]): Complaint[] {
  const given = names.filter((name) => network[name] !== undefined);
  if (given.length === 0) return [];
  return names
    .filter((name) => network[name] === undefined)
    .map((name) => [`network.${name}`, `must be given together with ${given.join(" and ")}`, undefined]);
}

function leftOut(network: Network, names: (keyof Network)[], why: string): Complaint[] {
  return names
    .filter((name) => network[name] !== undefined)
    .map((name) => [`network.${name}`, `must be left out ${why}`, network[name]]);
}

const noReserve = ({ reserveFleetIps }: Network): Complaint[] =>
  reserveFleetIps
    ? [
        [
          "network.reserveFleetIps",
          "must be false beside network.vpcId: there a fleet goes out by your NAT gateways",
          true,
        ],
      ]
    : [];

function problemsOfQuota(settings: Fields): Complaint[] {
  const { zones } = settings.fleet;
  const { elasticIpQuota } = settings.network;
  const [needed, of] = elasticIps(settings);
  if (needed <= elasticIpQuota) return [];
  return [
    [
      "fleet.zones",
      `must do with ${elasticIpQuota} Elastic IPs, the quota of a region, and needs ${needed} (${of}); set fleet.natGateways to one, or ask AWS for more (Service Quotas, EC2-VPC Elastic IPs) and set network.elasticIpQuota to what it grants`,
      zones,
    ],
  ];
}

/** How many a stack needs, in words too; with those for a change of topology, if they are reserved. */
function elasticIps({ topology, network, fleet }: Fields): [count: number, of: string] {
  if (topology === "single" && !network.reserveFleetIps) return [1, "the machine's"];
  const nats = network.vpcId ? 0 : natCount(fleet);
  const reserved = network.reserveFleetIps ? 1 : 0;
  const parts = [
    `${fleet.zones} for the load balancer`,
    nats && `${nats} for NAT gateways`,
    reserved && "1 for single",
  ].filter(Boolean);
  return [fleet.zones + nats + reserved, parts.join(", ")];
}
