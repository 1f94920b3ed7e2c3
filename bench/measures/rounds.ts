import type { MeasureName, SideName } from "../report/measures";
import type { Series } from "../report/results";
import { shuffled } from "../report/statistics";

/** Figures of one side in one round. `busy` is the part of its processor that a proxy used: context, in no table. */
export type Figures = Partial<Record<MeasureName | `busy.${number}`, number>>;

export interface Contestant {
  side: SideName;
  take(): Promise<Figures>;
}

/** Sides that are measured in turn, in a new order each round. */
export interface Contest {
  rounds: number;
  /** Rounds before them that are not counted, none by default. */
  warmUp?: number;
  contestants: Contestant[];
}

/** @returns a series for each measure and side, a value a round */
export async function held({ rounds, warmUp = 0, contestants }: Contest, signal: AbortSignal): Promise<Series[]> {
  const series = new Map<string, Series>();
  for (let round = -warmUp; round < rounds; round++) {
    for (const { side, take } of shuffled(contestants)) {
      signal.throwIfAborted();
      for (const [measure, value] of Object.entries(await take())) {
        if (value === undefined || round < 0) continue;
        const key = `${measure} ${side}`;
        const one = series.get(key) ?? { measure, side, values: [] };
        one.values.push(value);
        series.set(key, one);
      }
    }
  }
  return [...series.values()];
}
