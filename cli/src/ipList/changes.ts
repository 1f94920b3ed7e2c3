import { type Ingress, type IpList, isIPv6Range } from "@app-builder-mtls/proxy";

/** An entry of the list, and the regions that it stands in. */
export interface Entry {
  cidr: string;
  regions: string[];
}

export interface Changes {
  added: Entry[];
  removed: Entry[];
  /** How many are the same before and after. */
  kept: number;
  /** Whose addresses come in from now on. */
  regions: string[];
}

export function changesBetween(before: Ingress, after: Ingress): Changes {
  const old = entriesOf(before.ipList, before.regions);
  const next = entriesOf(after.ipList, after.regions);
  const added = without(next, old);
  return {
    added,
    removed: without(old, next),
    kept: next.size - added.length,
    regions: after.regions ?? Object.keys(after.ipList?.regions ?? {}).toSorted(),
  };
}

/** How much of the old list the new one lacks within the same regions: those that are chosen now. */
export function lossBetween(before: Ingress, after: Ingress): { lost: number; of: number } {
  const old = entriesOf(before.ipList, after.regions);
  return { lost: without(old, entriesOf(after.ipList, after.regions)).length, of: old.size };
}

/** In the list's own entries, which an operator compares with Adobe's, and not in the fewest ranges. */
function entriesOf(list: IpList | undefined, regions: string[] | undefined): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [region, written] of Object.entries(list?.regions ?? {}).toSorted()) {
    if (regions && !regions.includes(region)) continue;
    for (const one of written.filter((entry) => !isIPv6Range(entry)).toSorted()) {
      const cidr = one.includes("/") ? one : `${one}/32`;
      const entry = entries.get(cidr) ?? { cidr, regions: [] };
      if (!entry.regions.includes(region)) entry.regions.push(region);
      entries.set(cidr, entry);
    }
  }
  return entries;
}

const without = (from: Map<string, Entry>, these: Map<string, Entry>): Entry[] =>
  [...from.values()].filter(({ cidr }) => !these.has(cidr));

/** The list as it is kept: in order, so that a change shows as one, and without the terms, which tell who asked. */
export function kept({ regions, terms: _, ...others }: IpList): IpList {
  const inOrder = Object.entries(regions)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([region, written]) => [region, written.toSorted()]);
  return { ...others, regions: Object.fromEntries(inOrder) };
}

/** A new version number or date alone is no change. */
export const isSame = (before: Ingress, after: Ingress): boolean =>
  JSON.stringify([before.ipList && kept(before.ipList).regions, before.regions]) ===
  JSON.stringify([after.ipList && kept(after.ipList).regions, after.regions]);
