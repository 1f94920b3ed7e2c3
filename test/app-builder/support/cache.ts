import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/**
 * A package of npm with all that it needs, kept outside the project from one run to the next.
 * @returns the directory in which `node_modules` has it
 */
export async function installed(name: string, version: string): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "app-builder-mtls");
  const directory = join(cache, `${name.replace(/\W+/g, "-")}-${version}`);
  if (existsSync(directory)) return directory;
  process.stderr.write(`    installing ${name} ${version} into ${directory}\n`);
  const unfinished = `${directory}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    const how = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
    await exec("npm", ["install", ...how, "--prefix", unfinished, `${name}@${version}`]);
    await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return directory;
}
