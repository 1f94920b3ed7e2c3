import type { ActionName } from "../builds";
import type { ClientName } from "../callers/jobs";
import type { SideName } from "../report/measures";
import type { Scene } from "../scene";
import { inNewProcess } from "./firstCalls";
import type { Contest, Contestant } from "./rounds";

const ROUND_TRIPS_MS = [20, 80] as const;
const CALLS = 5;

/** Ours and the guide's, each with its own client, over a way of so many milliseconds. */
export async function roundTrips(scene: Scene, rounds: number): Promise<Contest> {
  const contestant = async (name: SideName, client: ClientName, action: ActionName): Promise<Contestant[]> => {
    const server = scene.side(name === "guide" ? "guide" : "ours");
    if (!server) return [];
    const [one, { run, actions }] = [scene.caller(), scene.builds];
    const takeOver = await Promise.all(
      ROUND_TRIPS_MS.map(async (roundTrip) => {
        const access = await scene.relayed(server.access, roundTrip);
        return async () => {
          const [warm = Number.NaN] = await one.ask({ kind: "warm", client, access, forMs: 0, least: CALLS });
          if (warm < roundTrip) throw new Error(`a call of ${warm} ms over a way of ${roundTrip} ms`);
          const { first } = await inNewProcess(run, actions[action].built, access);
          return { [`rtt${roundTrip}.warm`]: warm, [`rtt${roundTrip}.first`]: first };
        };
      }),
    );
    const take = async () => {
      const figures = [];
      for (const over of takeOver) figures.push(await over());
      return Object.assign({}, ...figures);
    };
    return [{ side: name, take }];
  };
  const contestants = [
    await contestant("ours", "library", "ours"),
    await contestant("again", "library", "ours"),
    await contestant("guide", "guide", "guide"),
  ];
  return { rounds, contestants: contestants.flat() };
}
