import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Where fetched programs are kept between runs. */
export const cacheDirectory = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mtls-proxy");

export interface DownloadOptions {
  say: (progress: string) => void;
  /** Lines for apt's sources.list in place of the machine's own sources. */
  sources?: string;
}

/** A program that can be started: a command, and what must stand before the program's own arguments. */
export interface Program {
  command: string;
  leadingArguments: string[];
}

/**
 * A program of a package that was unpacked with all its libraries, run by its own dynamic loader: the machine's libraries may be of another release.
 * @returns undefined where no loader was unpacked
 */
export function programInside(root: string, path: string): Program | undefined {
  const loader = LOADERS.map((candidate) => join(root, candidate)).find((candidate) => existsSync(candidate));
  if (!loader) return undefined;
  const libraries = ["lib", "usr/lib"].flatMap((place) =>
    LIBRARY_TRIPLETS.map((triplet) => join(root, place, triplet)),
  );
  return { command: loader, leadingArguments: ["--library-path", libraries.join(":"), join(root, path)] };
}

const LIBRARY_TRIPLETS = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
const LOADERS = [
  "lib64/ld-linux-x86-64.so.2",
  "usr/lib64/ld-linux-x86-64.so.2",
  "lib/ld-linux-aarch64.so.1",
  "usr/lib/ld-linux-aarch64.so.1",
  "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
  "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
];

/** Where a package of Debian or Ubuntu is unpacked, whether it is there yet or not. */
const unpackedAt = async (name: string, sources?: string): Promise<string> =>
  join(cacheDirectory(), `${name}-${await releaseName(sources)}-${process.arch}`);

/** A program of a package that was fetched before; undefined when it was not. */
export async function fetchedProgram(name: string, path: string): Promise<Program | undefined> {
  const root = await unpackedAt(name);
  return existsSync(root) ? programInside(root, path) : undefined;
}

/**
 * Fetches a package of Debian or Ubuntu with every library it needs and unpacks it: nothing is installed, no service is started, no root is needed.
 * apt is given directories of its own and told that nothing is installed, so that what it fetches is complete.
 * @returns the directory that it is unpacked in, at once when it is already there
 */
export async function downloadDebianPackage(name: string, { say, sources }: DownloadOptions): Promise<string> {
  const root = await unpackedAt(name, sources);
  if (existsSync(root)) return root;
  await mkdir(dirname(root), { recursive: true });
  const work = await mkdtemp(`${root}.`);
  try {
    const apt = await aptOf(work, sources);
    say(`fetching ${name} from this machine's package sources, nothing is installed: the package lists`);
    await apt("update");
    say(`fetching ${name}: the packages`);
    await apt("install", "--yes", "--download-only", name);
    await unpackAll(join(work, "cache/archives"), join(work, "root"));
    await moveIntoPlace(join(work, "root"), root);
    return root;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A cache for one release is none for the next: libraries and nginx change together. */
async function releaseName(sources?: string): Promise<string> {
  if (sources) return sources.split(/\s+/).find((word) => /^[a-z]+$/.test(word) && word !== "deb") ?? "other";
  const release = await readFile("/etc/os-release", "utf8");
  return /^VERSION_CODENAME="?([a-z]+)/m.exec(release)?.[1] ?? "unknown";
}

async function aptOf(work: string, sources?: string): Promise<(...command: string[]) => Promise<unknown>> {
  for (const path of ["state/lists/partial", "cache/archives/partial", "root"])
    await mkdir(join(work, path), { recursive: true });
  await writeFile(join(work, "status"), "");
  if (sources) await writeFile(join(work, "sources.list"), sources);
  const settings = {
    "Dir::State": join(work, "state"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Debug::NoLocking": "true",
    "APT::Sandbox::User": userInfo().username,
    "APT::Install-Recommends": "false",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
    ...(sources && {
      "Dir::Etc::sourcelist": join(work, "sources.list"),
      "Dir::Etc::sourceparts": "-",
      "Acquire::Check-Valid-Until": "false",
    }),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return (...command) => exec("apt-get", ["--quiet", ...options, ...command], { maxBuffer: 64 * 1024 * 1024 });
}

async function unpackAll(archives: string, root: string): Promise<void> {
  const packages = (await readdir(archives)).filter((name) => name.endsWith(".deb"));
  for (const name of packages) await exec("dpkg", ["--extract", join(archives, name), root]);
}

/** Another run may have been quicker; its result is as good as ours. */
async function moveIntoPlace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!existsSync(to)) throw new Error(`${basename(to)} could not be put into the cache`, { cause: error });
  }
}
