import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Program } from "../cli/src/debianPackages";

/** A proxy has the first processor for itself; whatever asks it and answers it shares the others. */
const PROXY_PROCESSORS = "0";
const OTHER_PROCESSORS = `1-${Math.max(1, availableParallelism() - 1)}`;

const hasProcessorsApart = availableParallelism() > 1;

const pinned = (processors: string, { command, leadingArguments }: Program): Program =>
  hasProcessorsApart
    ? { command: "taskset", leadingArguments: ["--cpu-list", processors, command, ...leadingArguments] }
    : { command, leadingArguments };

export const onProxyProcessor = (program: Program): Program => pinned(PROXY_PROCESSORS, program);
export const onOtherProcessors = (program: Program): Program => pinned(OTHER_PROCESSORS, program);

export interface Started {
  pid: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Where it runs and writes `output.log`. */
  directory: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds for which it may finish by itself, before it is killed. Default: 2,000. */
  patience?: number;
}

/** A process in a group of its own: Ctrl-C at the terminal is for the benchmark, which then ends each in order. */
export function start(
  { command, leadingArguments }: Program,
  args: string[],
  { directory, env = process.env, patience = 2_000 }: StartOptions,
): Started {
  const output = openSync(join(directory, "output.log"), "a", 0o600);
  const child = spawn(command, [...leadingArguments, ...args], {
    cwd: directory,
    env,
    stdio: ["ignore", output, output],
    detached: true,
  });
  closeSync(output);
  if (child.pid === undefined) throw new Error(`${command} cannot be started`);
  return { pid: child.pid, stop: () => end(child, patience) };
}

/** Asks it to end, and ends it if it does not. */
export async function end(child: ChildProcess, patience = 2_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), patience);
  await gone;
  clearTimeout(late);
}

/** Waits until something listens there. */
export async function untilListening(port: number, what: string, directory: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await accepts(port))) {
    if (Date.now() > deadline) {
      const said = await readFile(join(directory, "output.log"), "utf8").catch(() => "");
      throw new Error(`${what} does not listen on port ${port}; it said:\n${said.slice(-2_000)}`);
    }
    await pause(20);
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

/** Linux' USER_HZ, which is 100 on every platform that Node runs on: man 5 proc. */
const TICK_MS = 10;

/** Processor time that a process and its children have used so far, in milliseconds; threads that have ended included. */
export async function processorTime(pid: number): Promise<number> {
  const times = (await treeOf(pid)).map(async (one) => {
    const stat = await readFile(`/proc/${one}/stat`, "utf8").catch(() => "");
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13)
      .map(Number);
    return (user + system) * TICK_MS;
  });
  return sum(await Promise.all(times));
}

/** Memory of a process and its children in bytes, what they share counted once: the kernel's proportional set size. */
export async function memoryOf(pid: number): Promise<number> {
  const sizes = (await treeOf(pid)).map(async (one) => {
    const rollup = await readFile(`/proc/${one}/smaps_rollup`, "utf8").catch(() => "");
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  });
  return sum(await Promise.all(sizes));
}

async function treeOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => ""));
  const children = (await Promise.all(lists)).flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  return [pid, ...(await Promise.all(children.map(treeOf))).flat()];
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
