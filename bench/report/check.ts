import {
  clientMeasures,
  isBetter,
  isUnderLoad,
  MEASURES,
  type MeasureName,
  SIDES,
  type SideName,
  serverMeasures,
} from "./measures";
import { doubtOf, noiseOf, type Results, ratioOf, valuesOf } from "./results";
import { medianOf } from "./statistics";

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
/** Under load three whole runs of the same code, on a machine of the same pace, differed by up to 1.32 (our measurement). */
const LEAST_NOISE_UNDER_LOAD = 1.35;

/**
 * Our figure as a part of each other side's, in a run and in the committed one. Only what both have is compared.
 * The noise is what equal sides differed by in either run, how unsure each ratio is, and by how much the machine's pace
 * differs, one on top of the other, and never under a fifth, or a third under load.
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
    isUnderLoad(measure) ? LEAST_NOISE_UNDER_LOAD : LEAST_NOISE,
    found.reduce((one, other) => one * other, paceOf(committed, now, measure)),
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

/**
 * How much faster or slower the guide's side was, which has no code of ours, as a factor of 1 or more. What slows a machine
 * down does not slow all programs alike: on one of half the pace, ratios differed by up to two (our measurement).
 */
function paceOf(committed: Pick<Results, "series">, now: Pick<Results, "series">, measure: MeasureName): number {
  const [before, after] = [committed, now].map((results) => valuesOf(results, measure, "guide"));
  if (!before?.length || !after?.length) return 1;
  const factor = medianOf(after) / medianOf(before);
  return Math.max(factor, 1 / factor);
}

export const isWorse = ({ verdict }: Change): boolean => verdict === "worse";

/** Worse is what was worse in two measurements; what the second has not stays as the first found it. */
export function confirmed(first: Change[], second: Change[]): Change[] {
  return first.map((change) => {
    const again = second.find(({ measure, side }) => measure === change.measure && side === change.side);
    return isWorse(change) && again ? { ...again, verdict: isWorse(again) ? "worse" : "as before" } : change;
  });
}

/** On what ratios depend and a run does not have as the earlier one had it: processor and versions, as the earlier one had them. */
export function otherFacts(earlier: Results, now: Results): string[] {
  const facts = ({ machine, versions }: Results) => ({ processor: machine.processor ?? "unknown", ...versions });
  const today: Record<string, string> = facts(now);
  return Object.entries(facts(earlier)).flatMap(([name, value]) => (today[name] === value ? [] : [`${name} ${value}`]));
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
