import { setTimeout as pause } from "node:timers/promises";
import type { Scene } from "../scene";
import type { Contest } from "./rounds";

const CALLERS = 20;
const PRESS_MS = 3_000;
const BETWEEN_MS = 400;

/** Idempotent calls through the library while ours loads changed settings again and again. */
export function reloads({ side, caller }: Scene, rounds: number): Contest {
  const ours = side("ours");
  const reload = ours?.reload;
  if (!ours || !reload) throw new Error("ours is not there");
  const one = caller();
  const take = async () => {
    let isOver = false;
    const pressed = one.ask({ kind: "press", access: ours.access, callers: CALLERS, forMs: PRESS_MS }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await reload();
      await pause(BETWEEN_MS);
    }
    const [calls = 0, lost = 0] = await pressed;
    if (calls < 100) throw new Error(`${calls} calls are no load`);
    return { reload: (lost / calls) * 1_000_000 };
  };
  return { rounds, contestants: [{ side: "ours", take }] };
}
