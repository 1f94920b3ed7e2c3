import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { OLDEST_NGINX } from "@app-builder-mtls/proxy";
import { downloadDebianPackage } from "./debianPackages";
import { CommandError } from "./errors";

const exec = promisify(execFile);

/** An nginx that can be started: a command, and what must stand before nginx's own arguments. */
export interface Nginx {
  command: string;
  leadingArguments: string[];
  /** `1.22.1` */
  version: string;
}

/** Where distributions keep nginx, which an ordinary user's PATH often lacks. */
const USUAL_PLACES = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/**
 * The nginx of this machine, or one fetched without root into a cache where there is none.
 * @param say is told what takes long
 * @throws CommandError ERR_MTLS_NO_NGINX with the command to run where it cannot be fetched
 */
export async function obtainNginx(say: (progress: string) => void): Promise<Nginx> {
  return (await installedNginx()) ?? (await fetchedNginx(say));
}

async function installedNginx(): Promise<Nginx | undefined> {
  const places = [...(process.env.PATH ?? "").split(delimiter), ...USUAL_PLACES];
  const command = places.map((place) => join(place, "nginx")).find((candidate) => existsSync(candidate));
  if (!command) return undefined;
  const found = await describeNginx(command);
  return isOlder(found.version, OLDEST_NGINX) ? undefined : found;
}

async function fetchedNginx(say: (progress: string) => void): Promise<Nginx> {
  if (!existsSync("/usr/bin/apt-get")) throw noNginx();
  try {
    return await nginxInside(await downloadDebianPackage("nginx", { say }));
  } catch (cause) {
    throw noNginx(cause);
  }
}

/** A program that can be started: a command, and what must stand before the program's own arguments. */
export type Program = Pick<Nginx, "command" | "leadingArguments">;

/** A program unpacked with all its libraries, run by its own dynamic loader: the machine's libraries may be of another release. */
export function programInside(root: string, program: string): Program {
  const loader = LOADERS.map((path) => join(root, path)).find((path) => existsSync(path));
  if (!loader)
    throw new CommandError(
      "ERR_MTLS_NO_NGINX",
      `The packages unpacked into ${root} hold no dynamic loader; remove that directory and try again.`,
    );
  const libraries = ["lib", "usr/lib"].flatMap((path) => LIBRARY_TRIPLETS.map((triplet) => join(root, path, triplet)));
  return { command: loader, leadingArguments: ["--library-path", libraries.join(":"), join(root, program)] };
}

export function nginxInside(root: string): Promise<Nginx> {
  const { command, leadingArguments } = programInside(root, "usr/sbin/nginx");
  return describeNginx(command, leadingArguments);
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

async function describeNginx(command: string, leadingArguments: string[] = []): Promise<Nginx> {
  const { stderr } = await exec(command, [...leadingArguments, "-v"]);
  const version = /nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1];
  if (!version)
    throw new CommandError(
      "ERR_MTLS_NO_NGINX",
      `${command} -v does not say which nginx it is; it answered: ${stderr.trim()}`,
    );
  return { command, leadingArguments, version };
}

const isOlder = (version: string, than: string): boolean => version.localeCompare(than, "en", { numeric: true }) < 0;

function noNginx(cause?: unknown): CommandError {
  const install = { darwin: "brew install nginx", win32: "wsl --install, and this command inside it" }[
    process.platform as string
  ];
  return new CommandError(
    "ERR_MTLS_NO_NGINX",
    `There is no nginx ${OLDEST_NGINX} or later on this machine, and it could not be fetched. Install one: ${install ?? "sudo apt-get install nginx (or dnf install nginx)"}.`,
    { cause },
  );
}
