import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = join(__dirname, "..", "..");
const CONSUMERS = join(__dirname, "consumers");

export interface Pack extends AsyncDisposable {
  tarball: string;
  files: string[];
}

/** The library as `npm publish` would send it, freshly built. */
export async function packLibrary(): Promise<Pack> {
  const directory = await mkdtemp(join(tmpdir(), "app-builder-mtls-pack-"));
  const packing = ["pack", "--json", "--workspace", "action-lib", "--pack-destination", directory];
  const { stdout } = await run("npm", packing, { cwd: ROOT });
  const [{ filename, files }]: [{ filename: string; files: { path: string }[] }] = JSON.parse(stdout);
  return {
    tarball: join(directory, filename),
    files: files.map(({ path }) => path),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** A project of its own, far from this one's node_modules, which has the packed library installed. */
export class Consumer implements AsyncDisposable {
  private constructor(
    private readonly directory: string,
    private readonly paramsFile: string,
  ) {}

  /** @param params - what its calls get */
  static async install(kind: string, { tarball }: Pack, params: object): Promise<Consumer> {
    const directory = await mkdtemp(join(tmpdir(), `app-builder-mtls-${kind}-`));
    await cp(join(CONSUMERS, kind), directory, { recursive: true });
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], { cwd: directory });
    const paramsFile = join(directory, "params.json");
    await writeFile(paramsFile, JSON.stringify(params), { mode: 0o600 });
    return new Consumer(directory, paramsFile);
  }

  /**
   * Runs one of its programs.
   * @returns the last line of stdout that is JSON, parsed
   * @throws when it exits with another code than 0, with what it printed
   */
  async run(node: string, ...args: string[]): Promise<unknown> {
    // A test runner's environment is not a consumer's: NODE_OPTIONS would load tsx into it.
    const { NODE_OPTIONS: _, ...environment } = process.env;
    const { stdout } = await run(node, args, {
      cwd: this.directory,
      env: { ...environment, PARAMS_FILE: this.paramsFile },
    });
    const line = stdout.split("\n").findLast((text) => text.startsWith("{"));
    return line === undefined ? undefined : JSON.parse(line);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.directory, { recursive: true });
  }
}
