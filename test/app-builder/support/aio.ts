import { join } from "node:path";
import { type CommandOptions, type RunningCommand, run } from "../../support/commandLine";
import { installed } from "./cache";

/** The latest, 11.1.2, cannot deploy: its hooks are of two releases of oclif. */
export const AIO_VERSION = "11.0.2";

/** The directory of packages that Adobe's command line consists of. */
export const aioPackages = async (): Promise<string> =>
  join(await installed("@adobe/aio-cli", AIO_VERSION), "node_modules");

/** An environment in which `aio` and `mtls-proxy` are on the PATH, nobody is logged in, and nothing of this user's is read. */
export async function developerEnvironment(home: string, more: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
  const bin = join(await aioPackages(), ".bin");
  return {
    PATH: [join(__dirname, "bin"), bin, process.env.PATH].join(":"),
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? home, ".cache"),
    npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? home, ".npm"),
    AIO_TELEMETRY_DISABLED: "1",
    AIO_SKIP_NEW_VERSION_CHECK: "true",
    ...more,
  };
}

/** Adobe's command line, as it is. */
export async function aio(args: string[], options: CommandOptions): Promise<RunningCommand> {
  return run(process.execPath, [join(await aioPackages(), "@adobe/aio-cli/bin/run"), ...args], options);
}
