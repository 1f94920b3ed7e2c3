import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { Settings } from "@app-builder-mtls/proxy";
import { credentialVariables } from "../credentials";
import { mergeDotenv } from "../dotenvFile";
import { CommandError } from "../errors";
import { obtainNginx } from "../nginx";
import { makePrivateDirectory, writePrivateFile } from "../privateFiles";
import type { Terminal } from "../terminal";
import { follow, readable } from "./accessLog";
import { type LocalCertificates, localCertificates } from "./certificates";
import { requireFreePort } from "./ports";
import { type LocalProxy, startLocalProxy } from "./proxy";
import { type LocalSettingsOptions, localSettings } from "./settings";

export interface LocalOptions extends LocalSettingsOptions {
  dir: string;
  /** Not `--env-file`: Node takes an option of that name for its own wherever it stands, and ends when the file is not there. */
  file?: string;
  client?: string;
  json?: boolean;
}

/** What a local proxy is started from, and the running proxy itself. */
export interface LocalSession {
  settings: Settings;
  certificates: LocalCertificates;
  proxy: LocalProxy;
  envFile: string;
}

/** `mtls-proxy local`: serves until it is interrupted. */
export async function local(options: LocalOptions, terminal: Terminal): Promise<void> {
  const interrupted = interruption();
  const session = await startLocal(options, terminal);
  announce(session, options, terminal);
  const early = session.proxy.nginx.ended.then((said) => {
    if (!interrupted.signal.aborted) {
      interrupted.abort();
      throw new CommandError("ERR_MTLS_NGINX_FAILED", `nginx ended by itself; it said:\n${said || "nothing"}`);
    }
  });
  early.catch(() => undefined); // awaited below, once the log is closed
  for await (const line of follow(session.proxy.logFile, interrupted.signal))
    terminal.result(options.json ? line : readable(line));
  terminal.progress("stopping");
  await session.proxy.stop();
  await early;
}

/** Everything up to the moment in which the proxy serves. */
export async function startLocal(options: LocalOptions, terminal: Pick<Terminal, "progress">): Promise<LocalSession> {
  const settings = await localSettings(options);
  const client = settings.clients.find(({ name }) => name === (options.client ?? settings.clients[0]?.name));
  if (!client) {
    const known = settings.clients.map(({ name }) => name).join(", ");
    throw new CommandError(
      "ERR_MTLS_NO_SUCH_CLIENT",
      `The settings list no client ${options.client}; they list ${known}.`,
      { exitCode: 2 },
    );
  }
  await requireFreePort(settings.port);
  const nginx = await obtainNginx(terminal.progress);
  const directory = resolve(options.dir);
  await makePrivateDirectory(directory);
  await writeFile(join(directory, ".gitignore"), "*\n");
  const certificates = await localCertificates(join(directory, "certificates"), settings);
  const proxy = await startLocalProxy({ nginx, settings, certificates, directory: join(directory, "run") });
  const envFile = resolve(options.file ?? join(directory, ".env"));
  const issued = certificates.clients[client.name] ?? certificates.ca;
  await writeEnv(envFile, credentialVariables({ endpoint: proxy.endpoint, ...issued, ca: certificates.ca.cert }));
  return { settings, certificates, proxy, envFile };
}

async function writeEnv(path: string, values: Record<string, string>): Promise<void> {
  const present = existsSync(path) ? await readFile(path, "utf8") : "";
  await writePrivateFile(path, mergeDotenv(present, values));
}

function announce({ settings, proxy, envFile }: LocalSession, { json, dir }: LocalOptions, terminal: Terminal): void {
  const shortEnv = relative(process.cwd(), envFile);
  if (json) {
    terminal.result(
      JSON.stringify({ endpoint: proxy.endpoint, envFile, bundleVersion: proxy.bundleVersion, pid: proxy.nginx.pid }),
    );
    return;
  }
  const certificates = relative(process.cwd(), join(resolve(dir), "certificates"));
  const client = settings.clients[0]?.name;
  terminal.result(
    [
      `serving   ${proxy.endpoint}`,
      ...settings.destinations.map(({ name, path, url }) => `          ${path} → ${url} (${name})`),
      `for       ${settings.clients.map(({ name }) => name).join(", ")}`,
      `.env      ${shortEnv}`,
      "",
      "Next, in another terminal:",
      `  curl --cacert ${certificates}/ca.crt --cert ${certificates}/client-${client}.crt --key ${certificates}/client-${client}.key ${proxy.endpoint}/`,
      "  or run your action with that .env. Ctrl-C stops the proxy; requests appear below.",
      "",
    ].join("\n"),
  );
}

/** Ctrl-C, a closed terminal, or `kill`: all end in order. */
function interruption(): AbortController {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => controller.abort());
  return controller;
}
