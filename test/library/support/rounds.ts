import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export const CALLERS = 50;

/** What the callers are to do next. */
export interface Round {
  /** In all. */
  calls: number;
  /** Callers who first wait, each for another time from this span in milliseconds, while the others call. Default: none. */
  idle?: { callers: number; ms: [from: number, to: number] };
}

/** How often a method ended in what. */
export type Losses = Record<string, Record<string, number>>;

/** What is there after a round when all calls have ended and the garbage is collected. */
export interface Left {
  heapBytes: number;
  connections: number;
  /** Of the agent or of any connection that it keeps. */
  mostListeners: number;
  timers: number;
}

export interface Tally {
  calls: number;
  losses: Losses;
  left: Left;
}

export interface Callers extends AsyncDisposable {
  run(round: Round): Promise<Tally>;
}

/** Concurrent callers in a process of their own, as in one container; they share its connections. */
export function startCallers(params: object): Callers {
  const child = spawn(process.execPath, ["--expose-gc", "--import", "tsx", require.resolve("./callers")]);
  child.stderr.pipe(process.stderr);
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  child.stdin.write(`${JSON.stringify(params)}\n`);
  return {
    async run(round) {
      child.stdin.write(`${JSON.stringify(round)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("The callers' process ended.");
      return JSON.parse(value) as Tally;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}
