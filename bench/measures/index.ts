import type { Ending, Scene } from "../scene";
import { bodies, clients, handshakes, overhead, warmCalls } from "./calls";
import { firstCalls } from "./firstCalls";
import { idle, manyIdle } from "./idle";
import { load } from "./load";
import { reloads } from "./reloads";
import type { Contest } from "./rounds";
import { roundTrips } from "./roundTrips";

interface Plan {
  /** Rounds in a whole run and in a quick one. */
  rounds: [whole: number, quick: number];
  contest(scene: Scene, rounds: number, ending: Ending): Contest | Promise<Contest>;
}

/** By the name that `--only` takes, in the order in which they are measured. */
export const PLANS = {
  // First, because it needs a quiet machine most: connections must stand before the first of them ends.
  "many-idle": { rounds: [1, 0], contest: manyIdle },
  warm: { rounds: [20, 3], contest: warmCalls },
  handshakes: { rounds: [12, 2], contest: handshakes },
  load: { rounds: [5, 0], contest: load },
  bodies: { rounds: [5, 0], contest: bodies },
  clients: { rounds: [20, 3], contest: clients },
  first: { rounds: [15, 2], contest: firstCalls },
  overhead: { rounds: [20, 3], contest: overhead },
  "round-trips": { rounds: [5, 1], contest: roundTrips },
  reloads: { rounds: [2, 1], contest: reloads },
  idle: { rounds: [1, 0], contest: idle },
} satisfies Record<string, Plan>;

export type PlanName = keyof typeof PLANS;
export const planNames = Object.keys(PLANS) as PlanName[];
