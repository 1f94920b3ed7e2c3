import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { STATUS_PATH } from "@app-builder-mtls/proxy";
import type { Issued } from "../../../cli/src/certificates";
import type { Finding } from "../../../cli/src/verify/findings";
import { type CommandOptions, finished, mtlsProxy } from "../../support/commandLine";
import { temporaryDirectory } from "../../support/directory";
import type { TestProxy } from "../../support/proxy";
import { get, RawConnection } from "../../support/rawClient";
import { until } from "../../support/until";

/** Whose credentials are used, and where. */
export interface Target {
  endpoint: string;
  ca: Issued;
  client: Issued;
}

export interface Verified {
  exit: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export interface Report {
  endpoint: string;
  ok: boolean;
  durationMs: number;
  counts: Record<Finding["outcome"], number>;
  checks: Finding[];
}

/** The options that name a target's files, which are written to the directory. */
export async function filesOf({ endpoint, ca, client }: Target, directory: string): Promise<string[]> {
  const write = async (name: string, content: string) => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  const [cert, key] = [await write("client.crt", client.cert), await write("client.key", client.key)];
  return ["--endpoint", endpoint, "--cert", cert, "--key", key, "--ca", await write("ca.crt", ca.cert)];
}

/** Runs the command as a user does, in a process of its own. */
export const verify = (args: string[], options: CommandOptions = {}): Promise<Verified> =>
  finished(mtlsProxy(["verify", ...args], options));

/** The same with `--json`. */
export async function report(args: string[], options: CommandOptions = {}): Promise<Report> {
  const { stdout, stderr } = await verify([...args, "--json"], options);
  if (!stdout.startsWith("{")) throw new Error(`no report, but:\n${stdout}${stderr}`);
  return JSON.parse(stdout);
}

/** Every fault that a test of this process has seen. */
export const seenFaults = new Set<string>();

/** The faults that were found, as `check: fault`. */
export const faultsIn = ({ checks }: Pick<Report, "checks">): string[] =>
  checks.flatMap(({ check, fault }) => {
    if (!fault) return [];
    seenFaults.add(fault);
    return [`${check}: ${fault}`];
  });

/** A stand-in for Pulumi's command, which says what a stack of this proxy would export. */
export async function stackOf(
  { endpoint, ca, client, local }: TestProxy,
  changed: Record<string, unknown> = {},
): Promise<CommandOptions & AsyncDisposable> {
  const directory = await temporaryDirectory();
  const credentials = { endpoint, clientCert: client.cert, clientKey: client.key, caCert: ca.cert };
  const { bundleVersion } = local;
  const outputs = {
    ...credentials,
    clients: { "app-builder": credentials },
    egressIps: ["203.0.113.10"],
    bundleVersion,
  };
  await writeFile(join(directory.path, "outputs.json"), JSON.stringify({ ...outputs, ...changed }));
  await writeFile(join(directory.path, "pulumi"), `#!/bin/sh\nexec cat '${directory.path}/outputs.json'\n`, {
    mode: 0o755,
  });
  const env = { ...process.env, PATH: `${directory.path}:${process.env.PATH}` };
  return { env, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

async function statusOf(proxy: TestProxy): Promise<string | undefined> {
  await using connection = await RawConnection.open(proxy, proxy.client);
  return (await connection.ask(get(STATUS_PATH)))?.body.toString();
}

/** Writes, as sync does on the machine, what the status location shows, and waits until it does. */
export async function syncSays(proxy: TestProxy, said: Record<string, unknown>): Promise<void> {
  const file = join(dirname(dirname(proxy.local.logFile)), "state", `${proxy.local.bundleVersion}.json`);
  await mkdir(dirname(file), { recursive: true });
  const text = JSON.stringify({ ...wellOff(proxy), ...said });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  // nginx looks once a second
  await until(async () => (await statusOf(proxy)) === text, 10_000);
}

/** What sync says when all is well. */
const wellOff = ({ local, settings }: TestProxy) => ({
  bundleVersion: local.bundleVersion,
  wantedVersion: local.bundleVersion,
  problem: null,
  checkedAt: new Date().toISOString(),
  certificates: [
    { name: "client-ca", daysLeft: 3_649 },
    { name: "server", daysLeft: 364 },
  ],
  destinations: settings.destinations.map(({ name, path }) => ({ name, path, health: "ok" })),
});
