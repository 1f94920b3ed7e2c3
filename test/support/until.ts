import { setTimeout as pause } from "node:timers/promises";

/** Waits for a condition, with a limit in milliseconds. */
export async function until(holds: () => Promise<boolean> | boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it did not come true within ${limitMs} ms`);
    await pause(50);
  }
}
