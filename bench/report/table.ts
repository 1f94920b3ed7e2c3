import {
  CLIENTS,
  clientMeasures,
  MEASURES,
  type MeasureName,
  SERVERS,
  SIDES,
  type SideName,
  serverMeasures,
} from "./measures";
import { noiseOf, type Results, ratioOf } from "./results";
import { type Verdict, verdicts } from "./targets";

/** The three tables of docs/performance.md. */
export function tables(results: Results): string {
  return [
    "### Against the targets",
    targetTable(verdicts(results)),
    "### Proxies, each behind the same client: how many times ours",
    ratioTable(results, serverMeasures(), SERVERS),
    "### Clients: how many times the library's",
    ratioTable(results, clientMeasures(), CLIENTS),
  ].join("\n\n");
}

function targetTable(all: Verdict[]): string {
  const rows = all.map(({ title, atMost, unit, verdict, ...found }) => [
    title,
    `≤ ${withUnit(atMost, unit)}`,
    `${withUnit(found.value, unit)} (${number(found.low)}–${number(found.high)})`,
    verdict === "missed" ? "**missed**" : verdict,
  ]);
  return markdown(["ours", "target", "found (spread)", ""], rows);
}

const withUnit = (value: number, unit?: string): string => [number(value), unit].filter(Boolean).join(" ");

function ratioTable(results: Results, measures: MeasureName[], sides: SideName[]): string {
  const others = sides.filter((side) => side !== "ours" && measures.some((one) => ratioOf(results, one, side, "ours")));
  const rows = measures
    .filter((measure) => others.some((side) => ratioOf(results, measure, side, "ours")))
    .map((measure) => [
      MEASURES[measure].title,
      ...others.map((side) => cell(results, measure, side)),
      factor(noiseOf(results, measure)),
    ]);
  return markdown(["", ...others.map((side) => SIDES[side]), "noise"], rows);
}

function cell(results: Results, measure: MeasureName, side: SideName): string {
  const ratio = ratioOf(results, measure, side, "ours");
  return ratio ? `${number(ratio.median)} (${number(ratio.low)}–${number(ratio.high)})` : "–";
}

const factor = (noise: number | undefined): string => (noise === undefined ? "–" : `±${percent(noise)} %`);

/** By how many hundredths a factor is more than 1, rounded up. */
export const percent = (noise: number): number => Math.ceil(Number(((noise - 1) * 100).toFixed(6)));

/** As many digits as mean something. */
export function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(value >= 0.1 ? 3 : 2)));
}

function markdown(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
