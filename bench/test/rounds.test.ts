import assert from "node:assert/strict";
import { held } from "../measures/rounds";

describe("the benchmark's rounds", () => {
  const counting = () => {
    let turn = 0;
    return async () => ({ warm: ++turn });
  };

  it("take each side in each round, and count none of the warm-up's", async () => {
    const contestants = [
      { side: "ours", take: counting() },
      { side: "haproxy", take: counting() },
    ] as const;
    const series = await held({ rounds: 3, warmUp: 2, contestants: [...contestants] }, new AbortController().signal);
    assert.deepEqual(series.map(({ side }) => side).sort(), ["haproxy", "ours"]);
    for (const { measure, values } of series) assert.deepEqual([measure, values], ["warm", [3, 4, 5]]);
  });

  it("end between two turns when they are interrupted", async () => {
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const take = async () => {
      controller.abort(reason);
      return { warm: 1 };
    };
    await assert.rejects(held({ rounds: 3, contestants: [{ side: "ours", take }] }, controller.signal), reason);
  });
});
