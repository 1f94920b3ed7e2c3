import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "app-builder-mtls");
const HOW = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];

const underway = new Map<string, Promise<void>>();

/**
 * A package of npm with all that it needs, kept outside the project from one run to the next.
 * @returns the directory in which `node_modules` has it
 */
export async function installed(name: string, version: string): Promise<string> {
  const directory = join(CACHE, `${name.replace(/\W+/g, "-")}-${version}`);
  const installation = underway.get(directory) ?? install(`${name}@${version}`, directory);
  underway.set(directory, installation);
  await installation;
  return directory;
}

async function install(what: string, directory: string): Promise<void> {
  if (existsSync(directory)) return;
  process.stderr.write(`    installing ${what} into ${directory}\n`);
  const unfinished = `${directory}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await exec("npm", ["install", ...HOW, "--prefix", unfinished, what]);
    if (!existsSync(directory)) await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
