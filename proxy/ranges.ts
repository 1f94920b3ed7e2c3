/** IPv4 addresses that follow one another, as numbers, both ends included. */
export interface Range {
  first: number;
  last: number;
}

/** Of the whole of IPv4. */
const BITS = 32;
const PART = /^(0|[1-9]\d{0,2})$/;

/**
 * An address (`192.0.2.1`) or a CIDR (`192.0.2.0/24`) in its canonical form alone: what a library reads into `010.1`
 * or `1.2` is not what a reviewer reads.
 * @returns what would be right, if it is neither
 */
export function readRange(written: string): Range | { wrong: string } {
  const [address = "", prefix = String(BITS), ...more] = written.split("/");
  const parts = address.split(".");
  const isWritten = parts.length === 4 && parts.every((part) => PART.test(part) && Number(part) <= 255);
  if (!isWritten || !PART.test(prefix) || Number(prefix) > BITS || more.length > 0)
    return { wrong: "must be an IPv4 address or range, such as 192.0.2.1 or 192.0.2.0/24" };
  const given = parts.reduce((number, part) => number * 256 + Number(part), 0);
  const size = 2 ** (BITS - Number(prefix));
  const first = given - (given % size);
  if (first !== given)
    return {
      wrong: `must be ${addressOf(first)}/${prefix} for the whole range, or ${address} for the one address`,
    };
  return { first, last: first + size - 1 };
}

/** The same addresses, and no other, in as few ranges as possible, in order. */
export function merged(ranges: Range[]): Range[] {
  const done: Range[] = [];
  for (const { first, last } of ranges.toSorted((one, other) => one.first - other.first)) {
    const before = done.at(-1);
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last);
    else done.push({ first, last });
  }
  return done;
}

/** The fewest CIDRs that hold exactly a range. */
export function cidrsOf({ first, last }: Range): (Range & { cidr: string })[] {
  const cidrs: (Range & { cidr: string })[] = [];
  for (let start = first; start <= last; ) {
    let bits = 0;
    while (bits < BITS && start % 2 ** (bits + 1) === 0 && start + 2 ** (bits + 1) - 1 <= last) bits++;
    const end = start + 2 ** bits - 1;
    cidrs.push({ cidr: `${addressOf(start)}/${BITS - bits}`, first: start, last: end });
    start = end + 1;
  }
  return cidrs;
}

/** How many addresses ranges hold that do not overlap. */
export const sizeOf = (ranges: Range[]): number => ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

const addressOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
