import type { Results } from "../report/results";

/** Results with the given series and nothing else of interest: measure, side, values. */
export const resultsWith = (...series: [string, string, number[]][]): Results => ({
  taken: "2026-01-01",
  seconds: 300,
  isQuick: false,
  machine: { processor: "one × 2" },
  versions: { Node: "20.0.0" },
  missing: [],
  series: series.map(([measure, side, values]) => ({ measure, side, values })),
});
