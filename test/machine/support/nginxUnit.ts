import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Nginx } from "../../../cli/src/nginx";

/** What mtls-proxy.path and mtls-proxy.service do where there is no systemd: start nginx when `current` is there, and again when it dies. */
export interface NginxUnit extends AsyncDisposable {
  /** How often nginx was started. */
  readonly starts: number;
  readonly pid: number | undefined;
  /** Nothing is started again until it is taken back. */
  masked: boolean;
  /** Ends master and workers, as the kernel would. */
  kill(): Promise<void>;
}

export function superviseNginx({ command, leadingArguments }: Nginx, run: string): NginxUnit {
  let [stopped, starts] = [false, 0];
  let child: ChildProcess | undefined;
  const globals = "daemon off; user root;"; // the test's directory is closed to any other user
  const args = ["-e", join(run, "logs/error.log"), "-p", run, "-c", join(run, "current/nginx.conf"), "-g", globals];
  const killGroup = () => {
    try {
      if (child?.pid) process.kill(-child.pid, "SIGKILL");
    } catch {
      // already gone
    }
  };
  const unit: NginxUnit = {
    get starts() {
      return starts;
    },
    get pid() {
      return child?.pid;
    },
    masked: false,
    kill: async () => {
      const ended = child && once(child, "exit");
      killGroup();
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      killGroup();
      await watching;
    },
  };
  const watch = async () => {
    while (!stopped) {
      if (!unit.masked && existsSync(join(run, "current/nginx.conf"))) {
        child = spawn(command, [...leadingArguments, ...args], { stdio: "ignore", detached: true });
        starts += 1;
        await once(child, "exit");
        killGroup();
        child = undefined;
      }
      await pause(50);
    }
  };
  const watching = watch();
  return unit;
}
