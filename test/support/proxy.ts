import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSettings, type Settings } from "@app-builder-mtls/proxy";
import type { Issued } from "../../cli/src/certificates";
import { type LocalCertificates, localCertificates } from "../../cli/src/local/certificates";
import { freePort } from "../../cli/src/local/ports";
import { type LocalProxy, startLocalProxy } from "../../cli/src/local/proxy";
import type { Nginx } from "../../cli/src/nginx";
import type { Backend } from "./backend";
import { nginxUnderTest } from "./nginx";

/** A real nginx on the real files, gone with the scope. */
export interface TestProxy extends AsyncDisposable {
  endpoint: string;
  port: number;
  ca: Issued;
  /** A listed client of a listed generation. */
  client: Issued;
  certificates: LocalCertificates;
  settings: Settings;
  local: LocalProxy;
  nginx: Nginx;
  /** Everything that nginx has logged so far, both logs. */
  logs(): Promise<string>;
  accessLog(): Promise<string>;
  /** Serves changed settings from now on. */
  change(changed: Record<string, unknown>): Promise<void>;
}

/** Another run of the tests may take a port between the moment it was found free and the moment nginx takes it. */
const ATTEMPTS = 3;

/**
 * @param settings what a user would write; the port and the permission to reach this machine are added
 * @param nginx default: the one under test
 */
export async function startProxy(settings: Record<string, unknown>, nginx?: Nginx): Promise<TestProxy> {
  for (let attempt = 1; ; attempt++) {
    const directory = await mkdtemp(join(tmpdir(), "mtls-proxy-test-"));
    const port = await freePort(10_000 + Math.floor(Math.random() * 9_000));
    try {
      return await startProxyOn(port, directory, settings, nginx ?? (await nginxUnderTest()));
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      const isTaken = error instanceof Error && error.message.includes("Address already in use");
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startProxyOn(
  port: number,
  directory: string,
  settings: Record<string, unknown>,
  nginx: Nginx,
): Promise<TestProxy> {
  const parse = (given: Record<string, unknown>) => parseSettings({ port, allowLocalDestinations: true, ...given });
  const parsed = parse(settings);
  const certificates = await localCertificates(join(directory, "certificates"), parsed);
  const local = await startLocalProxy({ nginx, settings: parsed, certificates, directory: join(directory, "run") });
  const client = certificates.clients[parsed.clients[0]?.name ?? ""];
  if (!client) throw new Error("a proxy without a client");
  return {
    endpoint: local.endpoint,
    port,
    ca: certificates.ca,
    client,
    certificates,
    settings: parsed,
    local,
    nginx,
    logs: async () =>
      (
        await Promise.all(
          ["access.log", "error.log"].map((name) => readFile(join(directory, "run/logs", name), "utf8")),
        )
      ).join("\n"),
    accessLog: () => readFile(local.logFile, "utf8"),
    change: (changed) => local.serve(parse({ ...settings, ...changed })),
    [Symbol.asyncDispose]: async () => {
      await local.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A destination for a backend of the test's own. */
export const destinationOf = (backend: Backend, more: Record<string, unknown> = {}) => ({
  name: "backend",
  url: backend.url,
  ca: backend.ca,
  ...more,
});
