import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { CommandError } from "../errors";
import type { Nginx } from "../nginx";

/** nginx finishes its requests after this, in milliseconds, or is ended. */
const STOP_LIMIT_MS = 5_000;

/** A running nginx of our own. */
export interface NginxProcess {
  readonly pid: number;
  /** Loads the files anew, as on the machine in the cloud. */
  reload(): void;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
  /** Resolves with what it said when it ends. */
  readonly ended: Promise<string>;
}

/** Starts nginx on the files in `directory/current`; everything it writes goes below `directory`. */
export function startNginx({ command, leadingArguments }: Nginx, directory: string): NginxProcess {
  // a workers' user can be chosen by root alone, and root's private directory is closed to any other
  const globals = process.getuid?.() === 0 ? "daemon off; user root;" : "daemon off;";
  const ownArguments = ["-p", directory, "-c", `${directory}/current/nginx.conf`, "-e", "stderr", "-g", globals];
  // a group of its own: Ctrl-C at the terminal is for us, and we stop nginx in order
  const child = spawn(command, [...leadingArguments, ...ownArguments], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const ended = whatItSays(child);
  return {
    get pid() {
      if (child.pid === undefined) throw new CommandError("ERR_MTLS_NGINX_FAILED", `${command} could not be started.`);
      return child.pid;
    },
    ended,
    reload: () => child.kill("SIGHUP"),
    stop: async () => {
      child.kill("SIGQUIT");
      const late = setTimeout(() => child.kill("SIGTERM"), STOP_LIMIT_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

async function whatItSays(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-4_000);
  });
  await once(child, "close").catch((error: Error) => {
    said += error.message;
  });
  return said.trim();
}
