import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type Bundle, telemetryFiles } from "@app-builder-mtls/proxy";
import { SYNC, type TestMachine } from "./machine";

export const LOG_GROUP = "mtls-proxy-access";
export const NAMESPACE = "mtls-proxy";

/** A line that the sender leaves in the journal. */
interface SenderLine {
  outcome: string;
  problem?: { code: string; message: string };
  error?: string;
}

/** What mtls-proxy-telemetry.path and .service do where there is no systemd. */
export interface SenderUnit extends AsyncDisposable {
  readonly pid: number | undefined;
  /** How often it was started. */
  readonly starts: number;
  readonly journal: SenderLine[];
  /** Ends it with a signal; it is not started again before `start`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): void;
}

/** A bundle that says where to send, and brings the sender. */
export const reporting = (machine: TestMachine, settings: Record<string, unknown> = {}, files = {}): Bundle =>
  machine.stack.bundle(settings, { ...telemetryFiles({ logGroup: LOG_GROUP, namespace: NAMESPACE }), ...files });

export function superviseSender(machine: TestMachine, state?: string): SenderUnit {
  const program = join(machine.run, "current/telemetry/telemetry.py");
  const directory = state ?? mkdtempSync(join(tmpdir(), "mtls-proxy-telemetry-"));
  const environment = { ...machine.environment, PYTHONPATH: dirname(SYNC), STATE_DIRECTORY: directory };
  const journal: SenderLine[] = [];
  let [ended, stopped, starts] = [false, false, 0];
  let child: ChildProcess | undefined;
  const run = async () => {
    const process = spawn("python3", [program], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    child = process;
    starts += 1;
    const closed = once(process, "close");
    for await (const line of createInterface({ input: process.stdout })) journal.push(JSON.parse(line));
    await closed;
    child = undefined;
  };
  const watch = async () => {
    while (!ended) {
      if (!stopped && existsSync(program)) await run();
      await pause(50);
    }
  };
  const watching = watch();
  const unit: SenderUnit = {
    get pid() {
      return child?.pid;
    },
    get starts() {
      return starts;
    },
    journal,
    stop: async (signal = "SIGTERM") => {
      stopped = true;
      const closed = child && once(child, "close");
      child?.kill(signal);
      await closed;
    },
    start: () => {
      stopped = false;
    },
    [Symbol.asyncDispose]: async () => {
      ended = true;
      child?.kill("SIGKILL");
      await watching;
      if (!state) rmSync(directory, { recursive: true });
    },
  };
  return unit;
}
