import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Program } from "../cli/src/debianPackages";
import type { Programs } from "./programs";

const exec = promisify(execFile);

/** How busy the machine is before anything begins: processes that run or wait to, on average over a minute. */
export const busyBefore = (): number => loadavg()[0] ?? 0;

export async function machineFacts(): Promise<Record<string, string>> {
  const system = await readFile("/etc/os-release", "utf8").catch(() => "");
  return {
    processor: `${cpus()[0]?.model ?? "unknown"} × ${availableParallelism()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: /^PRETTY_NAME="?([^"\n]+)/m.exec(system)?.[1] ?? process.platform,
    Linux: release(),
    "load before": busyBefore().toFixed(2),
  };
}

const VERSIONS: Record<string, { args: string[]; pattern: RegExp }> = {
  haproxy: { args: ["-v"], pattern: /version (\d[\w.]*)/ },
  caddy: { args: ["version"], pattern: /v?(\d[\w.]*)/ },
  stunnel: { args: ["-version"], pattern: /stunnel (\d[\w.]*)/ },
  ab: { args: ["-V"], pattern: /Version (\d[\w.]*)/ },
};

export async function versionsOf(programs: Programs): Promise<Record<string, string>> {
  const found = Object.entries(VERSIONS).map(async ([name, { args, pattern }]) => {
    const program = (programs as Partial<Record<string, Program>>)[name];
    if (!program) return [];
    const { stdout, stderr } = await exec(program.command, [...program.leadingArguments, ...args]);
    return [[name, pattern.exec(stdout + stderr)?.[1] ?? "unknown"]];
  });
  return {
    Node: process.versions.node,
    nginx: programs.nginx.version,
    ...Object.fromEntries((await Promise.all(found)).flat()),
  };
}
