import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { OLDEST_NGINX } from "@app-builder-mtls/proxy";
import { downloadDebianPackage, type Program, programInside } from "./debianPackages";
import { CommandError } from "./errors";

const exec = promisify(execFile);

/** An nginx that can be started. */
export interface Nginx extends Program {
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
  const found = await describeNginx({ command, leadingArguments: [] });
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

/** An nginx that was unpacked into a directory of its own. */
export async function nginxInside(root: string): Promise<Nginx> {
  const program = programInside(root, "usr/sbin/nginx");
  if (!program)
    throw new CommandError(
      "ERR_MTLS_NO_NGINX",
      `The packages unpacked into ${root} hold no dynamic loader; remove that directory and try again.`,
    );
  return describeNginx(program);
}

async function describeNginx({ command, leadingArguments }: Program): Promise<Nginx> {
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
