import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";
import { admitted } from "../ingress";
import { cidrsOf, merged, type Range, readRange, sizeOf } from "../ranges";

const HIGHEST = 2 ** 32 - 1;
const dotted = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

/** Canonical CIDRs, close enough together that they meet, overlap and repeat. */
const cidr = fc
  .tuple(fc.constantFrom(0, 2 ** 31, HIGHEST - 255), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
  .map(([base, offset, prefix]) => {
    const number = base + offset;
    return `${dotted(number - (number % 2 ** (32 - prefix)))}/${prefix}`;
  });
const list = fc.array(cidr, { maxLength: 20 });

const read = (text: string): Range => {
  const range = readRange(text);
  return "wrong" in range ? assert.fail(range.wrong) : range;
};

/** Node's own judgement of which addresses a list holds. */
function judge(cidrs: string[]): (address: string) => boolean {
  const addresses = new BlockList();
  for (const one of cidrs) {
    const [address = "", prefix = "32"] = one.split("/");
    addresses.addSubnet(address, Number(prefix));
  }
  return (address) => addresses.check(address);
}

/** Wherever an address could differ: in every block, and one beyond each end. */
const neighbours = (cidrs: string[]): string[] =>
  [
    ...new Set(
      cidrs.flatMap((one) => {
        const { first, last } = read(one);
        return [first - 1, first, Math.floor((first + last) / 2), last, last + 1];
      }),
    ),
  ]
    .filter((number) => number >= 0 && number <= HIGHEST)
    .map(dotted);

describe("ranges of addresses", () => {
  it("hold exactly the addresses that were written, merged or not", () => {
    fc.assert(
      fc.property(list, (cidrs) => {
        const result = merged(cidrs.map(read)).flatMap(cidrsOf);
        const [before, after] = [judge(cidrs), judge(result.map(({ cidr }) => cidr))];
        for (const address of neighbours([...cidrs, ...result.map(({ cidr }) => cidr)]))
          assert.equal(after(address), before(address), address);
        assert.equal(sizeOf(result), sizeOf(merged(cidrs.map(read))));
      }),
      { numRuns: 500 },
    );
  });

  it("are never more than were written, neither overlap nor repeat, and are canonical", () => {
    fc.assert(
      fc.property(list, (cidrs) => {
        const result = merged(cidrs.map(read)).flatMap(cidrsOf);
        assert.ok(result.length <= cidrs.length, `${result.length} of ${cidrs.length}`);
        for (const [index, { cidr, first, last }] of result.entries()) {
          assert.deepEqual(read(cidr), { first, last });
          assert.ok(first > (result[index - 1]?.last ?? -1));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are the same in whatever order they are written", () => {
    fc.assert(
      fc.property(list, (cidrs) => {
        const rules = (given: string[]) => merged(given.map(read)).flatMap(cidrsOf);
        assert.deepEqual(rules(cidrs.toReversed()), rules(cidrs));
      }),
    );
  });

  it("reach from the first to the last address there is", () => {
    assert.deepEqual(cidrsOf({ first: 0, last: HIGHEST }), [{ cidr: "0.0.0.0/0", first: 0, last: HIGHEST }]);
    assert.deepEqual(read("255.255.255.255"), { first: HIGHEST, last: HIGHEST });
    assert.deepEqual(
      cidrsOf({ first: 1, last: 6 }).map(({ cidr }) => cidr),
      ["0.0.0.1/32", "0.0.0.2/31", "0.0.0.4/31", "0.0.0.6/32"],
    );
  });
});

describe("who may come in", () => {
  const ipList = { regions: { amer: ["198.51.100.0/32", "192.0.2.9"], emea: ["198.51.100.1/32", "2001:db8::/32"] } };

  it("is everybody when nothing is set", () => {
    assert.equal(admitted({}), undefined);
  });

  it("is the whole list, neighbours as one range, each with whose it is", () => {
    assert.deepEqual(admitted({ ipList }), [
      { cidr: "192.0.2.9/32", from: ["amer"] },
      { cidr: "198.51.100.0/31", from: ["amer", "emea"] },
    ]);
  });

  it("is the chosen regions and the stack's own addresses", () => {
    assert.deepEqual(admitted({ ipList, regions: ["emea"], addresses: ["192.0.2.0/24"] }), [
      { cidr: "192.0.2.0/24", from: ["addresses"] },
      { cidr: "198.51.100.1/32", from: ["emea"] },
    ]);
    assert.deepEqual(admitted({ addresses: ["192.0.2.1"] }), [{ cidr: "192.0.2.1/32", from: ["addresses"] }]);
  });
});
