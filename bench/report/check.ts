import { clientMeasures, isBetter, MEASURES, type MeasureName, SIDES, type SideName, serverMeasures } from "./measures";
import { doubtOf, noiseOf, type Results, ratioOf, valuesOf } from "./results";

export interface Change {
  measure: MeasureName;
  side: SideName;
  committed: number;
  now: number;
  /** The factor within which a difference means nothing. */
  noise: number;
  verdict: "as before" | "better" | "worse";
}

/** A single toggle within a fifth is noise, however quiet the A=A pair of a run was (our measurement on shared machines). */
const LEAST_NOISE = 1.2;
/** With 16 connections neither proxy nor load tool is always busy: two whole runs of the same code differed by 1.55 (our measurement). */
const LEAST_NOISE_OF: Partial<Record<MeasureName, number>> = { "cpu.16": 1.6, "throughput.16": 1.6 };

/**
 * Our figure as a part of each other side's, in a run and in the committed one. Only what both have is compared.
 * The noise is what equal sides differed by in either run and how unsure each ratio is, one on top of the other, and never under a fifth.
 */
export function changes(committed: Pick<Results, "series">, now: Pick<Results, "series">): Change[] {
  return [...serverMeasures(), ...clientMeasures()].flatMap((measure) =>
    (Object.keys(SIDES) as SideName[])
      .filter((side) => side !== "ours" && side !== "again")
      .flatMap((side) => changeOf(committed, now, measure, side) ?? []),
  );
}

function changeOf(
  committed: Pick<Results, "series">,
  now: Pick<Results, "series">,
  measure: MeasureName,
  side: SideName,
): Change | undefined {
  const [before, after] = [committed, now].map((results) => ratioOf(results, measure, "ours", side)?.median);
  if (before === undefined || after === undefined) return undefined;
  const found = [committed, now].map((results) => (noiseOf(results, measure) ?? 1) * doubtOf(results, measure, side));
  const noise = Math.max(
    LEAST_NOISE_OF[measure] ?? LEAST_NOISE,
    found.reduce((one, other) => one * other),
  );
  const factor = after / before;
  const isChanged = factor > noise || factor < 1 / noise;
  return {
    measure,
    side,
    committed: before,
    now: after,
    noise,
    verdict: isChanged ? (isBetter(measure, factor) ? "better" : "worse") : "as before",
  };
}

export const isWorse = ({ verdict }: Change): boolean => verdict === "worse";

/** Worse is what was worse in two measurements; what the second has not stays as the first found it. */
export function confirmed(first: Change[], second: Change[]): Change[] {
  return first.map((change) => {
    const again = second.find(({ measure, side }) => measure === change.measure && side === change.side);
    return isWorse(change) && again ? { ...again, verdict: isWorse(again) ? "worse" : "as before" } : change;
  });
}

/** Lost calls are never noise. */
export const lostCalls = (now: Pick<Results, "series">): number => Math.max(0, ...valuesOf(now, "reload", "ours"));

/** What a person reads, the worse first; nothing about what is as before but how much it is. */
export function report(all: Change[]): string {
  const line = ({ measure, side, committed, now, noise, verdict }: Change) =>
    `${verdict}: ${MEASURES[measure].title}, ours to ${SIDES[side]}: ${now.toPrecision(3)} where it was ${committed.toPrecision(3)}; noise is a factor of ${noise.toFixed(2)}`;
  const of = (verdict: Change["verdict"]) => all.filter((change) => change.verdict === verdict);
  return [
    ...of("worse").map(line),
    ...of("better").map(line),
    `${of("as before").length} of ${all.length} ratios are as before`,
  ].join("\n");
}
