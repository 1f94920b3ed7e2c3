import { readFileSync } from "node:fs";

/**
 * Processor time that nginx has had so far, master and workers, in microseconds: the time that /proc/PID/stat counts in
 * hundredths of a second, read where the kernel gives it in nanoseconds (Documentation/scheduler/sched-stats).
 */
export function processorTime(master: number): number {
  const workers = readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim().split(" ");
  const all = [master, ...workers.map(Number)];
  return all.reduce(
    (sum, pid) => sum + Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1_000,
    0,
  );
}
