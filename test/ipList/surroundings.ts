import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CommandOptions, finished, mtlsProxy } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";

const BIN = join(__dirname, "bin");

/** A list as Adobe prints it. */
export const LIST = {
  regions: {
    emea: ["192.0.2.1/32", "192.0.2.2/32"],
    amer: ["198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32"],
  },
  version: 3,
  lastUpdated: "2026-04-19T08:00:00Z",
  terms: { version: 1, acceptedAt: "2026-05-02T10:00:00Z" },
};

/** The same as it is kept: in order, without the terms. */
export const KEPT = {
  regions: { amer: LIST.regions.amer, emea: LIST.regions.emea },
  version: LIST.version,
  lastUpdated: LIST.lastUpdated,
};

/** A stack's configuration, and an `aio` and a `pulumi` that do as they are told. */
export interface Surroundings extends AsyncDisposable {
  directory: string;
  /** In which the two are on the PATH, and `aio` prints {@link LIST}. */
  environment: NodeJS.ProcessEnv;
  /** Sets what `pulumi config get ingress --json` answers. */
  configured(answer: { value: string; objectValue?: unknown; secret: boolean }): Promise<void>;
  /** What was written, or undefined. */
  written(): Promise<unknown>;
  /** Runs `mtls-proxy ip-list` to its end. */
  ipList(args: string[], options?: CommandOptions): ReturnType<typeof finished>;
}

export async function surroundings(ingress?: unknown): Promise<Surroundings> {
  const directory = await temporaryDirectory();
  const environment = {
    ...process.env,
    PATH: `${BIN}:${process.env.PATH}`,
    STACK: directory.path,
    AIO_STDOUT: JSON.stringify(LIST),
  };
  const configured: Surroundings["configured"] = (answer) =>
    writeFile(join(directory.path, "get.json"), JSON.stringify(answer));
  if (ingress) await configured({ value: JSON.stringify(ingress), objectValue: ingress, secret: false });
  return {
    directory: directory.path,
    environment,
    configured,
    written: async () => {
      const text = await readFile(join(directory.path, "set.json"), "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      const { ingress } = JSON.parse(text);
      return JSON.parse(ingress.value);
    },
    ipList: (args, { env, ...options } = {}) =>
      finished(mtlsProxy(["ip-list", ...args], { cwd: directory.path, env: { ...environment, ...env }, ...options })),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
