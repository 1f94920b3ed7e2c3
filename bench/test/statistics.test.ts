import assert from "node:assert/strict";
import { shuffled, spreadOf } from "../report/statistics";

describe("the benchmark's statistics", () => {
  it("give the median and the quartiles, whatever the order", () => {
    assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { low: 2, median: 3, high: 4 });
    assert.deepEqual(spreadOf([4, 1, 3, 2]), { low: 1.75, median: 2.5, high: 3.25 });
  });

  it("have no median of nothing", () => {
    assert.throws(() => spreadOf([]), RangeError);
  });

  it("shuffle into every order equally often, and leave the original alone", () => {
    const original = [1, 2, 3];
    const seen = new Map<string, number>();
    for (let time = 0; time < 6_000; time++) {
      const order = shuffled(original).join("");
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    assert.deepEqual(original, [1, 2, 3]);
    assert.equal(seen.size, 6);
    for (const [order, times] of seen) assert.ok(times > 800 && times < 1_200, `${order}: ${times} of 6,000`);
  });
});
