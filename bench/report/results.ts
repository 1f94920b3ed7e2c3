import { z } from "zod";
import { type Spread, spreadOf } from "./statistics";

const SERIES = z.object({
  measure: z.string(),
  side: z.string(),
  /** One a round, in the measure's unit; rounds of one measure belong together, side by side. */
  values: z.array(z.number()),
});

/** What one side took in each round of one measure. */
export type Series = z.infer<typeof SERIES>;

const RESULTS = z.object({
  /** The day, ISO 8601. */
  taken: z.string(),
  seconds: z.number(),
  isQuick: z.boolean(),
  machine: z.record(z.string(), z.string()),
  versions: z.record(z.string(), z.string()),
  /** Sides that were asked for and not there. */
  missing: z.array(z.string()),
  series: z.array(SERIES),
});

/** Everything that one run found; table, chart, targets and comparison are made of it. */
export type Results = z.infer<typeof RESULTS>;

/** @throws SyntaxError for no JSON, TypeError for anything but what `textOf` makes */
export function resultsFrom(text: string): Results {
  const { data, error } = RESULTS.safeParse(JSON.parse(text));
  if (error) throw new TypeError(z.prettifyError(error));
  return data;
}

export const valuesOf = ({ series }: Pick<Results, "series">, measure: string, side: string): number[] =>
  series.find((one) => one.measure === measure && one.side === side)?.values ?? [];

/** How many times `other` a side took, round by round, so that what slows both down in a round cancels out. */
export function ratioOf(
  results: Pick<Results, "series">,
  measure: string,
  side: string,
  other: string,
): Spread | undefined {
  const [values, others] = [valuesOf(results, measure, side), valuesOf(results, measure, other)];
  const ratios = values.flatMap((value, round) => {
    const base = others[round];
    return base === undefined || base === 0 ? [] : [value / base];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

/**
 * How far apart two equal sides were in this run, as a factor of 1 or more: what a difference must exceed to mean anything.
 * The median of A=A, or the doubt of it, whichever is farther from 1.
 *
 * @returns undefined for a measure without such a pair
 */
export function noiseOf(results: Pick<Results, "series">, measure: string): number | undefined {
  const again = ratioOf(results, measure, "again", "ours");
  return again && Math.max(again.median, 1 / again.median, doubtOf(results, measure, "again"));
}

/** How unsure the median of a side's ratio to ours is, as a factor of 1 or more: the farther quartile, over the root of the rounds. */
export function doubtOf(results: Pick<Results, "series">, measure: string, side: string): number {
  const ratio = ratioOf(results, measure, side, "ours");
  if (!ratio) return 1;
  const quartile = Math.max(Math.log(ratio.high / ratio.median), Math.log(ratio.median / ratio.low));
  return Math.exp(quartile / Math.sqrt(valuesOf(results, measure, side).length));
}

/** A line for each series, so that a change of one shows as one. */
export function textOf({ series, ...rest }: Results): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  const lines = series.map(({ values, ...one }) => `    ${JSON.stringify({ ...one, values: values.map(rounded) })}`);
  return `${head},\n  "series": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

const rounded = (value: number): number => Number(value.toPrecision(4));
