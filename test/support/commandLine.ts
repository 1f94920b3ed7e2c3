import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { until } from "./until";

const REPOSITORY = join(__dirname, "../..");
const BIN = join(REPOSITORY, "cli/bin/mtls-proxy.js");

/** A command as a user runs it: a process of its own. */
export interface RunningCommand extends AsyncDisposable {
  pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Waits until stdout holds a text; fails when the command ends without it. */
  says(text: string | RegExp, limitMs?: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What it reads; nothing by default. */
  stdin?: string;
}

/** Runs the built `mtls-proxy`. */
export const mtlsProxy = (args: string[], options: CommandOptions = {}): RunningCommand =>
  run(process.execPath, [BIN, ...args], options);

export function run(
  command: string,
  args: string[],
  { cwd = REPOSITORY, env = process.env, stdin = "" }: CommandOptions = {},
): RunningCommand {
  const child = spawn(command, args, { cwd, env, stdio: "pipe" });
  child.stdin.on("error", () => {}).end(stdin); // not every command reads it
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  let over = false;
  const ended = once(child, "close").then(([code, signal]) => {
    over = true;
    return (signal ?? code) as number | NodeJS.Signals;
  });
  if (child.pid === undefined) throw new Error(`${command} cannot be started`);
  return {
    pid: child.pid,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    ended,
    signal: (name) => child.kill(name),
    says: (text, limitMs = 20_000) =>
      until(() => {
        if (typeof text === "string" ? stdout.includes(text) : text.test(stdout)) return true;
        if (over) throw new Error(`it ended and said:\n${stdout}${stderr}`);
        return false;
      }, limitMs),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Runs it to its end. */
export async function finished(
  command: RunningCommand,
): Promise<{ exit: number | NodeJS.Signals; stdout: string; stderr: string }> {
  const exit = await command.ended;
  return { exit, stdout: command.stdout, stderr: command.stderr };
}
