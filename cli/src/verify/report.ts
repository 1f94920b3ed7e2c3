import type { Finding, Outcome } from "./findings";

/** Everything that was found, as it is shown. */
export interface Report {
  endpoint: string;
  /** Milliseconds for all checks. */
  durationMs: number;
  checks: Finding[];
}

const OUTCOMES: Outcome[] = ["passed", "failed", "warned", "skipped"];

const countsOf = (checks: Finding[]): Record<Outcome, number> =>
  Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, checks.filter((one) => one.outcome === outcome).length]),
  ) as Record<Outcome, number>;

/** For machines: members are added, never renamed. */
export function asJson({ endpoint, durationMs, checks }: Report): string {
  const counts = countsOf(checks);
  return JSON.stringify({ endpoint, ok: counts.failed === 0, durationMs, counts, checks }, null, 2);
}

const MARKS: Record<Outcome, string> = { passed: "ok  ", failed: "FAIL", warned: "warn", skipped: "-   " };
const COLOURS: Record<Outcome, number> = { passed: 32, failed: 31, warned: 33, skipped: 90 };

/** For people: one line a check, and below what failed, what to do. */
export function asTable({ endpoint, durationMs, checks }: Report, isColoured: boolean): string {
  const paint = (outcome: Outcome, text: string) => (isColoured ? `\u001b[${COLOURS[outcome]}m${text}\u001b[0m` : text);
  const rows = withoutRepetition(checks);
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.flatMap(({ outcome, what, detail, next }) => [
    `  ${paint(outcome, MARKS[outcome])}  ${harmless(what).padEnd(width)}  ${harmless(detail)}`,
    ...(next ? [`        ${paint(outcome, "→")} ${next}`] : []),
  ]);
  return [endpoint, "", ...lines, "", summary(checks, durationMs)].join("\n");
}

/** A server's words are shown, and may hold what a terminal obeys. */
const harmless = (text: string): string => text.replaceAll(/\p{Cc}/gu, "?");

type Row = Pick<Finding, "outcome" | "what" | "detail" | "next">;

/** Checks that were skipped in a row for one reason are one line. */
function withoutRepetition(checks: Finding[]): Row[] {
  const rows: (Row & { count: number })[] = [];
  for (const { outcome, what, detail, next } of checks) {
    const last = rows.at(-1);
    if (outcome === "skipped" && last?.outcome === "skipped" && last.detail === detail) {
      last.count += 1;
      last.what = `${last.count} more checks`;
    } else {
      rows.push({ outcome, what, detail, count: 1, ...(next && { next }) });
    }
  }
  return rows;
}

function summary(checks: Finding[], durationMs: number): string {
  const counts = countsOf(checks);
  const parts = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  return `${checks.length} checks in ${(durationMs / 1000).toFixed(1)} s: ${parts.join(", ")}`;
}
