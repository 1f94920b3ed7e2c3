import { exec } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CommandError, type CommandErrorCode } from "../errors";

/** A constant, because a shell reads it: on Windows npm's commands are scripts that only a shell starts. */
export const ASK = "aio runtime ip-list get --json";
/** A login in a browser, which nobody may be there to see, would keep it waiting for ever. */
const LIMIT_MS = 120_000;

/**
 * What Adobe's own command line says that its list is: JSON, as it came.
 * @throws CommandError that says what to do
 */
export function askAio(limitMs = LIMIT_MS): Promise<string> {
  if (!isOnPath("aio")) {
    throw new CommandError(
      "ERR_MTLS_NO_AIO",
      "The command aio is not on the PATH. Type: npm install -g @adobe/aio-cli, or give the list with --file.",
    );
  }
  return new Promise((resolve, reject) => {
    const aio = exec(ASK, { maxBuffer: 16 * 1024 * 1024, timeout: limitMs }, (error, stdout, stderr) => {
      // It ends with 0, too, when it has a question and nobody to ask.
      if (!error && stdout.trimStart().startsWith("{")) resolve(stdout);
      else if (error?.killed) reject(late(limitMs, error));
      else reject(explained(stderr.trim() || stdout.trim(), error));
    });
    aio.stdin?.end();
  });
}

function isOnPath(command: string): boolean {
  const endings = process.platform === "win32" ? [".cmd", ".exe", ".bat"] : [""];
  const places = (process.env.PATH ?? "").split(delimiter);
  return places.some((place) => endings.some((ending) => existsSync(join(place, command + ending))));
}

function late(limitMs: number, cause: Error): CommandError {
  const message = `aio did not answer within ${limitMs / 1_000} s; it may be waiting for a login. Type: aio login`;
  return new CommandError("ERR_MTLS_AIO_LOGIN", message, { cause });
}

/** What `aio` says when it cannot do what is asked (its plugin for Runtime, 8.1 and 8.3), and what helps. */
const EXPLANATIONS: [pattern: RegExp, code: CommandErrorCode, message: string][] = [
  [
    /is not an? \S+ command|command \S*ip-list\S* not found/i,
    "ERR_MTLS_AIO_TOO_OLD",
    "This aio does not know the list: that came with its plugin for Runtime 8.3. Type: aio update",
  ],
  [
    /terms acceptance|terms were not accepted|TERMS_REQUIRED/i,
    "ERR_MTLS_AIO_TERMS",
    "Adobe asks you to accept its terms for the list once, with an address for news of changes. Type: aio runtime ip-list get",
  ],
  [
    /org id not found/i,
    "ERR_MTLS_AIO_LOGIN",
    "aio does not know which organisation you are in. Type: aio console org select",
  ],
  [/\blog ?in\b|token|\b401\b/i, "ERR_MTLS_AIO_LOGIN", "aio is not logged in to Adobe. Type: aio login"],
];

function explained(said: string, cause: Error | null): CommandError {
  const known = EXPLANATIONS.find(([pattern]) => pattern.test(said));
  if (known) return new CommandError(known[1], `${known[2]}.`, { cause });
  return new CommandError("ERR_MTLS_AIO", `${ASK} failed and said:\n${said || "nothing"}`, { cause });
}
