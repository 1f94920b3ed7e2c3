import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { end, onOtherProcessors } from "../processes";
import type { Job } from "./jobs";

export interface Caller {
  ask(job: Job): Promise<number[]>;
  stop(): Promise<void>;
}

/** A process that calls, away from the proxies' processor. Credentials go by its stdin: a process list shows no key. */
export function startCaller(script: string): Caller {
  const node = onOtherProcessors({ command: process.execPath, leadingArguments: [script] });
  const child = spawn(node.command, node.leadingArguments, { stdio: ["pipe", "pipe", "inherit"], detached: true });
  child.stdin.on("error", () => undefined); // its end is seen below
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(job) {
      child.stdin.write(`${JSON.stringify(job)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("The callers' process ended.");
      const answer = JSON.parse(value) as { numbers?: number[]; error?: string };
      if (!answer.numbers) throw new Error(`${job.kind}: ${answer.error}`);
      return answer.numbers;
    },
    stop: () => end(child),
  };
}
