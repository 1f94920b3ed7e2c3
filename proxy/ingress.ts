import { isIPv6 } from "node:net";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { only } from "./fields";
import { cidrsOf, merged, type Range, readRange, sizeOf } from "./ranges";

/** A wider range is a slip: whole networks of the largest providers are narrower. */
const WIDEST_PREFIX = 8;
/** A sixteenth of IPv4; Amazon has fewer. More than that is everybody, in pieces. */
const MOST_ADDRESSES = 2 ** 28;
/** What one reads in a file, and a bundle holds beside its destinations. */
const MOST_RANGES = 2_000;

const RANGES_ALLOWED = "must be a list of IPv4 addresses and ranges";
const range = z.string(RANGES_ALLOWED).superRefine((written, context) => {
  const read = readRange(written);
  if ("wrong" in read) context.addIssue({ code: "custom", message: read.wrong, input: written });
  else if (sizeOf([read]) > 2 ** (32 - WIDEST_PREFIX))
    context.addIssue({
      code: "custom",
      message: `must be a /${WIDEST_PREFIX} or narrower; to let everybody in, leave ingress out`,
      input: written,
    });
});
const ranges = (item: z.ZodType<string, string>) =>
  z.array(item, RANGES_ALLOWED).max(MOST_RANGES, `must list ${MOST_RANGES} at most`);

/** Adobe's list may hold IPv6 one day; the proxy has no IPv6 address, so nobody comes from there. */
const rangeOfAdobe = z.string(RANGES_ALLOWED).superRefine((written, context) => {
  if (isIPv6Range(written)) return;
  for (const { message } of range.safeParse(written).error?.issues ?? [])
    context.addIssue({ code: "custom", message, input: written });
});

export function isIPv6Range(written: string): boolean {
  const [address = "", prefix = "128", ...more] = written.split("/");
  return isIPv6(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128 && more.length === 0;
}

const LIST_ALLOWED = "must be what `aio runtime ip-list get --json` prints: an object with regions";
const REGION = /^[a-z0-9-]{1,32}$/;

/** Adobe's list of the addresses that actions call from, as its command line prints it. Whatever else is in it is kept. */
const ipListSchema = z.looseObject(
  {
    regions: z
      .record(z.string(), ranges(rangeOfAdobe), LIST_ALLOWED)
      .refine((regions) => Object.keys(regions).every((name) => REGION.test(name)), {
        error: "must have regions named by lower-case letters, digits and -, such as emea",
      })
      .refine((regions) => Object.keys(regions).length > 0, {
        error: "must have a region at least: without any, nobody would come in",
      }),
  },
  LIST_ALLOWED,
);

export const ingress = only({
  ipList: ipListSchema.optional(),
  regions: z
    .array(z.string("must be names of regions"), "must be a list of regions")
    .min(1, "must list at least one region, or be left out for all of them")
    .optional(),
  addresses: ranges(range).min(1, "must list at least one address, or be left out").optional(),
}).superRefine((given, context) => {
  for (const { path, message, input } of problemsTogether(given)) {
    context.addIssue({ code: "custom", path, message, input });
  }
});

export type Ingress = z.output<typeof ingress>;

export type IpList = z.output<typeof ipListSchema>;

interface Complaint {
  path: (string | number)[];
  message: string;
  input: unknown;
}

function problemsTogether({ ipList, regions = [], addresses }: Ingress): Complaint[] {
  if (!ipList) {
    const message = "must be given together with ipList, whose regions it chooses from";
    return regions.length > 0 ? [{ path: ["regions"], message, input: regions }] : tooWide({ addresses });
  }
  const known = Object.keys(ipList.regions);
  const unknown = regions.flatMap((region, index) =>
    known.includes(region) ? [] : [{ path: ["regions", index], message: unknownRegion(region, known), input: region }],
  );
  if (unknown.length > 0) return unknown;
  const chosen = regions.length > 0 ? regions : known;
  if (chosen.flatMap((region) => ipList.regions[region] ?? []).every(isIPv6Range)) {
    const message = "must leave an IPv4 address in the list: an empty one would be a slip, and let nobody in";
    return regions.length > 0
      ? [{ path: ["regions"], message, input: regions }]
      : [{ path: ["ipList", "regions"], message, input: ipList.regions }];
  }
  return tooWide({ ipList, regions: chosen, addresses });
}

/** What to choose in place of a region that there is not. */
export const unknownRegion = (region: string, known: string[]): string =>
  `must be a region of the list, did you mean ${closest(region, known)}? It has ${known.toSorted().join(", ")}`;

function tooWide(given: Ingress): Complaint[] {
  if (sizeOf(merged(written(given).map(({ range }) => range))) <= MOST_ADDRESSES) return [];
  const message = `must hold ${MOST_ADDRESSES} addresses at most, a sixteenth of all that there are; to let everybody in, leave ingress out`;
  return [{ path: [given.ipList ? "ipList" : "addresses"], message, input: {} }];
}

/** Addresses that may come in, and whose they are: a region of Adobe's list, or `addresses`. */
interface Admitted {
  cidr: string;
  from: string[];
}

/** What {@link Admitted.from} calls the stack's own `ingress.addresses`. */
const OWN = "addresses";

/**
 * Who may come in: exactly the addresses that are written in the settings, in the fewest CIDRs, in order.
 * @returns undefined when everybody may
 */
export function admitted(given: Ingress): Admitted[] | undefined {
  if (!given.ipList && !given.addresses) return undefined;
  const all = written(given);
  return merged(all.map(({ range }) => range))
    .flatMap(cidrsOf)
    .map(({ cidr, first, last }) => {
      const overlapping = all.filter(({ range }) => range.first <= last && range.last >= first);
      return { cidr, from: [...new Set(overlapping.map(({ from }) => from))].sort() };
    });
}

function written({ ipList, regions, addresses = [] }: Ingress): { range: Range; from: string }[] {
  const chosen = Object.entries(ipList?.regions ?? {}).filter(([name]) => regions?.includes(name) ?? true);
  return [...chosen, [OWN, addresses] as const].flatMap(([from, ranges]) =>
    ranges.flatMap((text) => {
      const range = readRange(text);
      return "wrong" in range ? [] : [{ range, from }]; // IPv6, or told already
    }),
  );
}
