import type { MeasureName, SideName } from "./measures";
import { noiseOf, type Results, ratioOf, valuesOf } from "./results";
import { spreadOf } from "./statistics";

interface Target {
  title: string;
  measure: MeasureName;
  /** Whose figure is divided by; without one the figure itself is held to the limit. */
  other?: SideName;
  atMost: number;
  unit?: string;
}

/** What this proxy and this library are to reach, in one and the same run. */
const TARGETS: Target[] = [
  { title: "warm call, to the guide's", measure: "client", other: "guide", atMost: 0.035 },
  { title: "warm call, to direct mutual TLS", measure: "warm", other: "direct-mtls", atMost: 1.2 },
  { title: "warm call, to haproxy's", measure: "warm", other: "haproxy", atMost: 1.05 },
  { title: "processor time a request, to the guide's", measure: "cpu.64", other: "guide", atMost: 0.02 },
  { title: "processor time a request, to haproxy's", measure: "cpu.64", other: "haproxy", atMost: 1 },
  { title: "full handshake, to caddy's", measure: "handshake.full", other: "caddy", atMost: 1 },
  { title: "new process to first answer, to the guide's", measure: "first.unbundled", other: "guide", atMost: 0.45 },
  { title: "the same, as a built action", measure: "first.built", other: "guide", atMost: 0.45 },
  { title: "the library's own time a call", measure: "overhead", atMost: 10, unit: "µs" },
  { title: "memory an idle connection", measure: "idle.10000", atMost: 30, unit: "KiB" },
  { title: "idempotent calls lost in reloads", measure: "reload", atMost: 0, unit: "lost" },
  { title: "warm call at 20 ms round trip, to the guide's", measure: "rtt20.warm", other: "guide", atMost: 0.27 },
];

export interface Verdict extends Target {
  value: number;
  low: number;
  high: number;
  verdict: "met" | "met, within noise" | "missed, within noise" | "missed";
}

/** How the targets stand, of those that the run has figures for. */
export function verdicts(results: Pick<Results, "series">): Verdict[] {
  return TARGETS.flatMap((target) => {
    const found = figureOf(results, target);
    if (!found) return [];
    const noise = target.other ? (noiseOf(results, target.measure) ?? 1) : 1;
    return [{ ...target, ...found, verdict: judged(found.value, target.atMost, noise) }];
  });
}

function figureOf(results: Pick<Results, "series">, { measure, other }: Target) {
  if (other) {
    const ratio = ratioOf(results, measure, "ours", other);
    return ratio && { value: ratio.median, low: ratio.low, high: ratio.high };
  }
  const values = valuesOf(results, measure, "ours");
  if (values.length === 0) return undefined;
  const { median, low, high } = spreadOf(values);
  // One lost call is one too many, in whichever round.
  return { value: measure === "reload" ? Math.max(...values) : median, low, high };
}

function judged(value: number, atMost: number, noise: number): Verdict["verdict"] {
  const isNear = value <= atMost * noise && value * noise >= atMost && noise > 1;
  if (value <= atMost) return isNear ? "met, within noise" : "met";
  return isNear ? "missed, within noise" : "missed";
}
