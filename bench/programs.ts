import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { downloadDebianPackage, fetchedProgram, type Program } from "../cli/src/debianPackages";
import { type Nginx, obtainNginx } from "../cli/src/nginx";

/** By the name of the command, with Debian's package and the command's place in it. */
const WANTED = {
  haproxy: { package: "haproxy", path: "usr/sbin/haproxy" },
  caddy: { package: "caddy", path: "usr/bin/caddy" },
  stunnel: { package: "stunnel4", path: "usr/bin/stunnel4" },
  ab: { package: "apache2-utils", path: "usr/bin/ab" },
  openssl: { package: "openssl", path: "usr/bin/openssl" },
} as const;

type Name = keyof typeof WANTED;

export type Programs = { nginx: Nginx } & Partial<Record<Name, Program>>;

/** Debian's packages of the programs that are neither installed nor fetched, by their commands. */
export interface Missing {
  command: Name;
  package: string;
}

/**
 * Every program that the benchmark drives. nginx is fetched where there is none, as `mtls-proxy local` does.
 *
 * @param install whether the others are fetched as well; nothing is installed into the system, and no root is needed
 */
export async function findPrograms(
  install: boolean,
  say: (progress: string) => void,
): Promise<{ programs: Programs; missing: Missing[] }> {
  const programs: Programs = { nginx: await obtainNginx(say) };
  const missing: Missing[] = [];
  for (const command of Object.keys(WANTED) as Name[]) {
    const { package: debian, path } = WANTED[command];
    const found = installed(path) ?? (await fetchedProgram(debian, path));
    if (found) programs[command] = found;
    else if (install) {
      await downloadDebianPackage(debian, { say });
      programs[command] = await fetchedProgram(debian, path);
    } else missing.push({ command, package: debian });
  }
  return { programs, missing };
}

/** Where distributions keep servers, which an ordinary user's PATH often lacks. */
function installed(path: string): Program | undefined {
  const name = path.split("/").at(-1) ?? path;
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const command = places.map((place) => join(place, name)).find((candidate) => existsSync(candidate));
  return command ? { command, leadingArguments: [] } : undefined;
}
