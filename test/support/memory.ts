import { readFile } from "node:fs/promises";
import { setInterval as every } from "node:timers/promises";

/** Resident memory of a process and its children together, in bytes. */
async function residentBytes(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = [pid, ...children.split(" ").filter(Boolean).map(Number)];
  const sizes = await Promise.all(pids.map(residentBytesOfOne));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function residentBytesOfOne(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The most that a process and its children grew by while something was done, in bytes; looked at 20 times a second. */
export async function growthDuring(pid: number, work: () => Promise<void>): Promise<number> {
  const before = await residentBytes(pid);
  let most = before;
  const done = new AbortController();
  const watching = (async () => {
    for await (const _ of every(50, undefined, { signal: done.signal }))
      most = Math.max(most, await residentBytes(pid));
  })().catch(() => undefined); // ended by the signal
  try {
    await work();
  } finally {
    done.abort();
    await watching;
  }
  return most - before;
}
