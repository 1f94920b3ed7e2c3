import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../cli/src/debianPackages";

const exec = promisify(execFile);

/** The release whose findings docs/scans.md explains. */
const GIXY_VERSION = "0.2.59";

/** gixy-ng from PyPI, in a virtual environment of its own in the cache. */
export function obtainGixy(): Promise<string> {
  return kept(`gixy-${GIXY_VERSION}`, async (directory) => {
    await exec("python3", ["-m", "venv", directory]);
    await exec(join(directory, "bin/python"), ["-m", "pip", "install", "--quiet", `gixy-ng==${GIXY_VERSION}`]);
  }).then((directory) => join(directory, "bin/gixy"));
}

export interface Testssl {
  command: string;
  environment: Record<string, string>;
}

/** testssl.sh of this machine, or Debian's package unpacked into the cache: nothing is installed, no root is needed. */
export async function obtainTestssl(): Promise<Testssl> {
  const installed = (process.env.PATH ?? "").split(delimiter).map((place) => join(place, "testssl"));
  const command = installed.find((candidate) => existsSync(candidate));
  if (command) return { command, environment: {} };
  const root = await kept("testssl", unpackTestssl);
  return {
    command: join(root, "usr/bin/testssl"),
    environment: {
      PATH: [...["usr/bin", "stand-ins"].map((path) => join(root, path)), process.env.PATH].join(delimiter),
      TESTSSL_INSTALL_DIR: join(root, "etc/testssl"),
    },
  };
}

async function unpackTestssl(directory: string): Promise<void> {
  await mkdir(join(directory, "lists/partial"), { recursive: true });
  const apt = [
    "--quiet",
    "-o",
    `Dir::State::lists=${join(directory, "lists")}`,
    "-o",
    "APT::Sandbox::User=root",
    "-o",
    "Debug::NoLocking=true",
  ];
  await exec("apt-get", [...apt, "update"], { cwd: directory });
  await exec("apt-get", [...apt, "download", "testssl.sh", "bsdextrautils"], { cwd: directory });
  for (const name of await readdir(directory)) {
    if (name.endsWith(".deb")) await exec("dpkg", ["--extract", name, "."], { cwd: directory });
  }
  await rm(join(directory, "lists"), { recursive: true });
  await mkdir(join(directory, "stand-ins"));
  // it insists on a tool for DNS, though it is told to look nothing up
  await writeFile(join(directory, "stand-ins/dig"), "#!/bin/sh\nexit 0\n");
  await chmod(join(directory, "stand-ins/dig"), 0o755);
}

/** A directory of the cache, made once. A virtual environment knows its own path, so it is made where it stays. */
async function kept(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(cacheDirectory(), name);
  const finished = join(directory, ".complete");
  if (existsSync(finished)) return directory;
  await mkdir(dirname(directory), { recursive: true });
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  await make(directory);
  await writeFile(finished, "");
  return directory;
}
