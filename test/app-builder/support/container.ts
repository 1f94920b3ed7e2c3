import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ACTIVATION_LIMIT_MS = 60_000;

export type Params = Record<string, unknown>;

export interface ActionResult {
  statusCode?: number;
  headers?: Record<string, string>;
  body?: unknown;
  error?: unknown;
}

/** A plain Node process with nothing but an unpacked action in it, which runs one activation after another. */
export interface Container extends AsyncDisposable {
  run(params: Params): Promise<ActionResult>;
  /** Everything that the action has logged. */
  readonly log: string;
}

/** @param node the program of the release of Node that it runs on */
export function startContainer(node: string, directory: string): Container {
  const child = fork(join(__dirname, "activations.js"), [directory], {
    execPath: node,
    execArgv: [],
    env: {},
    cwd: directory,
    silent: true,
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  const ended = once(child, "close");
  const gone = ended.then(([code, signal]) => {
    throw new Error(`the container ended (${signal ?? code}):\n${log}`);
  });
  gone.catch(() => undefined);
  return {
    get log() {
      return log;
    },
    run: async (params) => {
      const answered = once(child, "message");
      child.send({ params, deadline: Date.now() + ACTIVATION_LIMIT_MS });
      const [{ result }] = await Promise.race([answered, gone]);
      return result;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
