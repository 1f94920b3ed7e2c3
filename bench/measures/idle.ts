import { setTimeout as pause } from "node:timers/promises";
import { memoryOf } from "../processes";
import type { SideName } from "../report/measures";
import type { Ending, Scene } from "../scene";
import type { Contest } from "./rounds";

/** Milliseconds in which a proxy lets go of what a request needed. */
const SETTLING_MS = 300;

/** Each side in a process that has served nothing before: memory that was used and freed would be used again. */
export function idle(scene: Scene, rounds: number, ending: Ending): Contest {
  const contestants = scene.sides.map(({ name }) => ({
    side: name,
    take: async () => ({ "idle.1000": await kibibytesEach(scene, name, 1_000, ending) }),
  }));
  return { rounds, contestants };
}

/** Ours alone: that it holds as many as one address may open. */
export function manyIdle(scene: Scene, rounds: number, ending: Ending): Contest {
  const take = async () => ({ "idle.10000": await kibibytesEach(scene, "ours", 10_000, ending) });
  return { rounds, contestants: [{ side: "ours", take }] };
}

async function kibibytesEach(scene: Scene, name: SideName, connections: number, ending: Ending): Promise<number> {
  const side = ending.add(await scene.startAnew(name));
  const caller = scene.caller();
  try {
    await caller.ask({ kind: "hold", access: side.access, connections: 1 });
    await pause(SETTLING_MS);
    const before = await memoryOf(side.pid);
    const [open] = await caller.ask({ kind: "hold", access: side.access, connections });
    if (open !== connections + 1) throw new Error(`${name} holds ${open} connections of ${connections + 1}`);
    await pause(SETTLING_MS);
    return ((await memoryOf(side.pid)) - before) / connections / 1024;
  } finally {
    await caller.stop();
    await side.stop();
  }
}
