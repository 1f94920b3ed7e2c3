import { mkdir, readdir, readFile, readlink, realpath, rename, rm } from "node:fs/promises";
import { request } from "node:https";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { makeBundle, nginxFiles, type Settings, STATUS_PATH } from "@app-builder-mtls/proxy";
import type { Issued } from "../certificates";
import { CommandError } from "../errors";
import type { Nginx } from "../nginx";
import { makePrivateDirectory, writePrivateFile } from "../privateFiles";
import type { LocalCertificates } from "./certificates";
import { type NginxProcess, startNginx } from "./nginxProcess";

/** A proxy that serves on this machine, from the same files as in the cloud. */
export interface LocalProxy {
  endpoint: string;
  nginx: NginxProcess;
  /** The access log, a JSON line a request. */
  logFile: string;
  bundleVersion: string;
  /** Serves other settings from now on, without a restart. */
  serve(settings: Settings): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface LocalProxyOptions {
  nginx: Nginx;
  settings: Settings;
  certificates: LocalCertificates;
  /** Below which everything is written; private. */
  directory: string;
}

/** @throws CommandError ERR_MTLS_NGINX_FAILED with what nginx said, ERR_MTLS_LOCAL_RUNNING when the directory is in use */
export async function startLocalProxy({
  nginx,
  settings,
  certificates,
  directory,
}: LocalProxyOptions): Promise<LocalProxy> {
  await refuseSecond(directory);
  for (const path of ["", "logs", "state"]) await makePrivateDirectory(join(directory, path));
  await writePrivateFile(join(directory, "system-ca.crt"), rootCertificates.join("\n"));
  const write = (wanted: Settings) => writeBundle(directory, wanted, nginx, certificates);
  const bundleVersion = await write(settings);
  const running = startNginx(nginx, directory);
  const endpoint = `https://127.0.0.1:${settings.port}`;
  const anyClient = Object.values(certificates.clients)[0];
  await untilServing(running, endpoint, certificates.ca, anyClient, bundleVersion);
  return {
    endpoint,
    nginx: running,
    logFile: join(directory, "logs/access.log"),
    bundleVersion,
    serve: async (wanted) => {
      const version = await write(wanted);
      running.reload();
      await untilServing(running, endpoint, certificates.ca, anyClient, version);
    },
    stop: running.stop,
    [Symbol.asyncDispose]: running.stop,
  };
}

async function refuseSecond(directory: string): Promise<void> {
  const pid = (await readFile(join(directory, "nginx.pid"), "utf8").catch(() => "")).trim();
  if (pid && (await holdsOpen(pid, join(directory, "logs/error.log")))) {
    throw new CommandError(
      "ERR_MTLS_LOCAL_RUNNING",
      `A local proxy (process ${pid}) already uses ${directory}. Stop it, or give another directory with --dir.`,
    );
  }
}

/** A process id alone proves nothing: it may have been given to another process since. */
async function holdsOpen(pid: string, path: string): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = descriptors.map((descriptor) => readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ""));
  return (await Promise.all(links)).includes(await realpath(path).catch(() => path));
}

async function writeBundle(
  directory: string,
  settings: Settings,
  nginx: Nginx,
  { ca, server }: LocalCertificates,
): Promise<string> {
  const target = { nginxVersion: nginx.version, listen: ["127.0.0.1"], systemCa: join(directory, "system-ca.crt") };
  const bundle = makeBundle(nginx.version, {
    ...nginxFiles(settings, target),
    "server.crt": server.cert,
    "server.key": server.key,
    "client-ca.crt": ca.cert,
  });
  const [next, current] = [join(directory, "next"), join(directory, "current")];
  await rm(next, { recursive: true, force: true });
  for (const [path, content] of Object.entries(bundle.files)) {
    await mkdir(dirname(join(next, path)), { recursive: true, mode: 0o700 });
    await writePrivateFile(join(next, path), content);
  }
  await rm(current, { recursive: true, force: true });
  await rename(next, current);
  return bundle.version;
}

/** How long nginx may take to serve, in milliseconds: names of destinations are resolved at its start. */
const START_LIMIT_MS = 15_000;

async function untilServing(
  running: NginxProcess,
  endpoint: string,
  ca: Issued,
  client: Issued | undefined,
  version: string,
): Promise<void> {
  const gone = running.ended.then((said) => {
    throw new CommandError("ERR_MTLS_NGINX_FAILED", `nginx did not start; it said:\n${said}`);
  });
  gone.catch(() => undefined); // it ends some day; only here is that a failure
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    if ((await Promise.race([servedVersion(endpoint, ca, client), gone])) === version) return;
    await Promise.race([pause(25), gone]);
  }
  await running.stop();
  throw new CommandError(
    "ERR_MTLS_NGINX_FAILED",
    `nginx did not serve within ${START_LIMIT_MS / 1000} s; it said:\n${await running.ended}`,
  );
}

/** @returns undefined while nothing answers */
function servedVersion(endpoint: string, ca: Issued, client: Issued | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(
      new URL(STATUS_PATH, endpoint),
      { agent: false, ca: ca.cert, cert: client?.cert, key: client?.key, timeout: 2_000 },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        answer.on("end", () => resolve(/"bundleVersion":"(\w+)"/.exec(body)?.[1]));
      },
    );
    asked
      .on("timeout", () => asked.destroy())
      .on("error", () => resolve(undefined))
      .end();
  });
}
