import assert from "node:assert/strict";
import { type Change, changes, confirmed, lostCalls, otherFacts, report } from "../report/check";
import { verdicts } from "../report/targets";
import { resultsWith } from "./fake";

describe("a target of the benchmark", () => {
  const judged = (ours: number, haproxy: number, again: number) =>
    verdicts(resultsWith(["cpu.64", "ours", [ours]], ["cpu.64", "haproxy", [haproxy]], ["cpu.64", "again", [again]]));

  it("is met or missed beyond the noise, or within it", () => {
    const verdict = (...figures: Parameters<typeof judged>) => judged(...figures)[0]?.verdict;
    assert.equal(verdict(50, 100, 50), "met");
    assert.equal(verdict(100, 50, 100), "missed");
    assert.equal(verdict(100, 102, 110), "met, within noise");
    assert.equal(verdict(102, 100, 110), "missed, within noise");
  });

  it("without another side is held to its limit", () => {
    const [overhead] = verdicts(resultsWith(["overhead", "ours", [9, 11, 12]]));
    assert.deepEqual([overhead?.value, overhead?.verdict], [11, "missed"]);
    assert.equal(verdicts(resultsWith(["reload", "ours", [0, 0]]))[0]?.verdict, "met");
    assert.equal(verdicts(resultsWith(["reload", "ours", [0, 3]]))[0]?.verdict, "missed");
  });

  it("is left out when its sides were not measured", () => {
    assert.deepEqual(verdicts(resultsWith(["warm", "ours", [1]])), []);
  });
});

describe("--check", () => {
  const run = (ours: number, haproxy: number) =>
    resultsWith(["cpu.64", "ours", [ours]], ["cpu.64", "haproxy", [haproxy]], ["cpu.64", "again", [ours]]);
  const verdict = (now: ReturnType<typeof run>) => changes(run(50, 100), now).map((change) => change.verdict);

  it("compares ratios, so that a slower machine changes nothing", () => {
    assert.deepEqual(verdict(run(500, 1_000)), ["as before"]);
  });

  it("says worse and better beyond the noise alone", () => {
    const verdicts = (measure: string, ours: number[]) => {
      const of = (figure: number) => resultsWith([measure, "ours", [figure]], [measure, "haproxy", [100]]);
      return ours.map((figure) => changes(of(50), of(figure))[0]?.verdict);
    };
    assert.deepEqual(verdicts("warm", [59, 61, 42, 41]), ["as before", "worse", "as before", "better"]);
    assert.deepEqual(verdicts("cpu.64", [67, 68, 38, 37]), ["as before", "worse", "as before", "better"]);
  });

  it("takes more requests a second for better", () => {
    const of = (ours: number) => resultsWith(["throughput.64", "ours", [ours]], ["throughput.64", "haproxy", [100]]);
    assert.equal(changes(of(100), of(200))[0]?.verdict, "better");
    assert.equal(changes(of(200), of(100))[0]?.verdict, "worse");
  });

  it("adds up the noise of both runs", () => {
    const noisy = resultsWith(["cpu.64", "ours", [65]], ["cpu.64", "haproxy", [100]], ["cpu.64", "again", [45]]);
    assert.deepEqual(verdict(noisy), ["as before"]);
  });

  it("doubts a ratio whose rounds were far apart", () => {
    const unsure = resultsWith(["cpu.64", "ours", [25, 70, 170]], ["cpu.64", "haproxy", [100, 100, 100]]);
    assert.deepEqual(verdict(unsure), ["as before"]);
    const sure = resultsWith(["cpu.64", "ours", [70, 70, 70]], ["cpu.64", "haproxy", [100, 100, 100]]);
    assert.deepEqual(verdict(sure), ["worse"]);
  });

  it("takes more for noise where the machine has another pace, by a side without our code", () => {
    const of = (ours: number, guide: number) =>
      resultsWith(["cpu.64", "ours", [ours]], ["cpu.64", "haproxy", [100]], ["cpu.64", "guide", [guide]]);
    const toHaproxy = (now: ReturnType<typeof of>) =>
      changes(of(100, 9_000), now).find(({ side }) => side === "haproxy")?.verdict;
    assert.equal(toHaproxy(of(170, 9_000)), "worse");
    assert.equal(toHaproxy(of(170, 18_000)), "as before");
    assert.equal(toHaproxy(of(170, 4_500)), "as before");
    assert.equal(toHaproxy(of(210, 4_500)), "worse");
  });

  it("takes for worse what was worse in two measurements, and keeps what was not measured again", () => {
    const of = (ours: number) => changes(run(50, 100), run(ours, 100));
    const [worse, asBefore, better] = [of(100), of(50), of(20)] as const;
    const twice = (first: Change[], second: Change[]) =>
      confirmed(first, second).map(({ verdict, now }) => [verdict, now]);
    assert.deepEqual(twice(worse, worse), [["worse", 1]]);
    assert.deepEqual(twice(worse, asBefore), [["as before", 0.5]]);
    assert.deepEqual(twice(worse, better), [["as before", 0.2]]);
    assert.deepEqual(twice(worse, []), [["worse", 1]]);
    assert.deepEqual(twice(asBefore, worse), [["as before", 0.5]]);
    assert.deepEqual(twice(better, worse), [["better", 0.2]]);
  });

  it("compares what both runs have", () => {
    assert.deepEqual(changes(run(50, 100), resultsWith(["warm", "ours", [1]], ["warm", "caddy", [1]])), []);
  });

  it("says what got worse, with both figures and the noise", () => {
    const said = report(changes(run(50, 100), run(100, 100)));
    assert.match(said, /^worse: .*64 connections, ours to haproxy: 1\.00 where it was 0\.500; noise.*1\.35/);
    assert.match(said, /0 of 1 ratios are as before$/);
  });

  it("names processor and versions that the earlier run had and this one has not", () => {
    const now = { ...run(1, 1), machine: { processor: "another × 2" }, versions: { Node: "20.0.0", nginx: "1.30.4" } };
    assert.deepEqual(otherFacts(run(1, 1), now), ["processor one × 2"]);
    assert.deepEqual(otherFacts(now, run(1, 1)), ["processor another × 2", "nginx 1.30.4"]);
    assert.deepEqual(otherFacts(now, now), []);
  });

  it("never takes lost calls for noise", () => {
    assert.equal(lostCalls(resultsWith(["reload", "ours", [0, 2]])), 2);
    assert.equal(lostCalls(run(1, 1)), 0);
  });
});
