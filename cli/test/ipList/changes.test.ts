import assert from "node:assert/strict";
import { changesBetween, isSame, kept, lossBetween } from "../../src/ipList/changes";

const listOf = (regions: Record<string, string[]>, more: Record<string, unknown> = {}) => ({
  ipList: { regions, ...more },
});

describe("changesBetween", () => {
  it("names each entry once, with all its regions, in the list's own words", () => {
    const { added, removed, kept } = changesBetween(
      listOf({ emea: ["192.0.2.1/32", "192.0.2.4"] }),
      listOf({ emea: ["198.51.100.0/24", "192.0.2.1"], amer: ["198.51.100.0/24"] }),
    );
    assert.deepEqual(added, [{ cidr: "198.51.100.0/24", regions: ["amer", "emea"] }]);
    assert.deepEqual(removed, [{ cidr: "192.0.2.4/32", regions: ["emea"] }]);
    assert.equal(kept, 1, "an address and its /32 are the same");
  });

  it("knows nothing of IPv6, of regions that are not chosen, or of other settings", () => {
    const { added, regions } = changesBetween(
      { addresses: ["203.0.113.7"] },
      { ...listOf({ emea: ["192.0.2.1", "2001:db8::/32"], amer: ["192.0.2.2"] }), regions: ["emea"] },
    );
    assert.deepEqual(added, [{ cidr: "192.0.2.1/32", regions: ["emea"] }]);
    assert.deepEqual(regions, ["emea"]);
  });

  it("tells what a narrower choice of regions shuts out", () => {
    const both = listOf({ emea: ["192.0.2.1"], amer: ["192.0.2.2"] });
    const { removed, regions } = changesBetween(both, { ...both, regions: ["emea"] });
    assert.deepEqual(removed, [{ cidr: "192.0.2.2/32", regions: ["amer"] }]);
    assert.deepEqual(regions, ["emea"]);
    assert.deepEqual(changesBetween({}, both).regions, ["amer", "emea"]);
  });
});

describe("lossBetween", () => {
  it("counts what left the chosen regions, and not what was never chosen or is no longer", () => {
    const before = listOf({ emea: ["192.0.2.1", "192.0.2.2"], amer: ["192.0.2.3"] });
    assert.deepEqual(lossBetween(before, { ...listOf({ emea: ["192.0.2.2"] }), regions: ["emea"] }), {
      lost: 1,
      of: 2,
    });
    assert.deepEqual(lossBetween({}, before), { lost: 0, of: 0 });
  });
});

describe("isSame", () => {
  const list = listOf({ emea: ["192.0.2.1", "192.0.2.2"], amer: ["192.0.2.3"] }, { version: 1 });

  it("minds neither order nor version", () => {
    const other = listOf({ amer: ["192.0.2.3"], emea: ["192.0.2.2", "192.0.2.1"] }, { version: 2, terms: {} });
    assert.ok(isSame(list, other));
  });

  it("sees an entry, a region or a choice that differs, and a list that is new", () => {
    for (const other of [
      listOf({ ...list.ipList.regions, amer: ["192.0.2.4"] }),
      listOf({ ...list.ipList.regions, aus: [] }),
      { ...list, regions: ["emea"] },
    ])
      assert.ok(!isSame(list, other), JSON.stringify(other));
    assert.ok(!isSame({}, list));
  });
});

describe("kept", () => {
  it("puts regions and entries in order and leaves out who accepted the terms", () => {
    const { ipList } = listOf(
      { emea: ["192.0.2.2", "192.0.2.1"], amer: [] },
      { version: 3, terms: { acceptedAt: "2026-05-01" } },
    );
    assert.equal(JSON.stringify(kept(ipList)), '{"version":3,"regions":{"amer":[],"emea":["192.0.2.1","192.0.2.2"]}}');
  });
});
