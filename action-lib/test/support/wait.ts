import { setTimeout as delay } from "node:timers/promises";

/** Waits for a condition, and fails when it does not come. */
export async function until(condition: () => boolean, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error("What the test waits for did not come.");
    await delay(5);
  }
}
