import assert from "node:assert/strict";
import { noiseOf, ratioOf, resultsFrom, textOf } from "../report/results";
import { resultsWith } from "./fake";

describe("the benchmark's ratios", () => {
  it("compare sides round by round, so that a slow round slows none of them", () => {
    const results = resultsWith(["warm", "ours", [1, 10, 2]], ["warm", "haproxy", [2, 20, 4]]);
    assert.deepEqual(ratioOf(results, "warm", "ours", "haproxy"), { low: 0.5, median: 0.5, high: 0.5 });
  });

  it("are none where a side was not measured", () => {
    assert.equal(ratioOf(resultsWith(["warm", "ours", [1]]), "warm", "ours", "caddy"), undefined);
  });

  it("call noise what two equal sides differ by, in either direction", () => {
    assert.equal(noiseOf(resultsWith(["warm", "ours", [2, 2]], ["warm", "again", [1, 1]]), "warm"), 2);
    assert.equal(noiseOf(resultsWith(["warm", "ours", [1, 1]], ["warm", "again", [2, 2]]), "warm"), 2);
    assert.equal(noiseOf(resultsWith(["warm", "ours", [1, 1]], ["warm", "again", [1, 1]]), "warm"), 1);
    assert.equal(noiseOf(resultsWith(["warm", "ours", [1]]), "warm"), undefined);
  });

  it("call equal sides that jump about noisy, though their median does not", () => {
    const jumping = resultsWith(["warm", "ours", [1, 1, 1]], ["warm", "again", [0.5, 1, 2]]);
    assert.ok((noiseOf(jumping, "warm") ?? 0) > 1.2);
  });

  it("are read again as they were written", () => {
    const results = resultsWith(["warm", "ours", [1.234, 2]], ["reload", "ours", [0]]);
    assert.deepEqual(resultsFrom(textOf(results)), results);
  });

  it("are refused where they are something else, saying what is missing", () => {
    assert.throws(() => resultsFrom("bench: warm, after 3 s"), SyntaxError);
    assert.throws(
      () => resultsFrom('{"taken":"2026-01-01","series":[{"measure":"warm","values":["1"]}]}'),
      (error) => {
        assert.ok(error instanceof TypeError);
        for (const place of ["machine", "series[0].side", "series[0].values[0]"])
          assert.ok(error.message.includes(place));
        return true;
      },
    );
  });
});
