import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import type { Issued } from "../../cli/src/certificates";
import { startNginx } from "../../cli/src/local/nginxProcess";
import type { Nginx } from "../../cli/src/nginx";
import { makePrivateDirectory, writePrivateFile } from "../../cli/src/privateFiles";
import { freePortFor } from "../ports";
import { untilListening } from "../processes";
import { writeFilled } from "./side";

const MIB = 1024 * 1024;
/** In MiB: the bodies that it has. */
export const BODIES = [1, 100] as const;

export interface Backend {
  port: number;
  /** What its certificate is signed by, PEM. */
  ca: string;
  /** What it sends in `x-bench-backend`, and nobody else knows. */
  token: string;
  pid: number;
  requests(): Promise<number>;
  stop(): Promise<void>;
}

export interface BackendOptions {
  nginx: Nginx;
  directory: string;
  ca: Issued;
  server: Issued;
  /** The CA of the clients that it lets in. Default: it asks nobody. */
  clientCa?: string;
  port?: number;
  token?: string;
}

export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { nginx, directory, ca, server, clientCa } = options;
  const current = join(directory, "current");
  await makePrivateDirectory(current);
  const port = options.port ?? (await freePortFor());
  const counterPort = await freePortFor();
  const token = options.token ?? randomBytes(8).toString("hex");
  await writePrivateFile(join(current, "server.crt"), server.cert);
  await writePrivateFile(join(current, "server.key"), server.key);
  if (clientCa) await writePrivateFile(join(current, "client-ca.crt"), clientCa);
  await writeFilled("backend.conf", join(current, "nginx.conf"), {
    PORT: port,
    COUNTER_PORT: counterPort,
    TOKEN: token,
    CLIENTS: clientCa ? "ssl_verify_client on; ssl_client_certificate client-ca.crt;" : "",
  });
  await writeBodies(directory);
  const running = startNginx(nginx, directory);
  await Promise.race([
    untilListening(port, "the backend", directory),
    running.ended.then((said) => {
      throw new Error(`nginx ended; it said:\n${said}`);
    }),
  ]);
  return { port, ca: ca.cert, token, pid: running.pid, requests: () => countOf(counterPort), stop: running.stop };
}

async function writeBodies(directory: string): Promise<void> {
  await mkdir(join(directory, "bodies"), { recursive: true });
  for (const size of BODIES) await writeFile(join(directory, `bodies/${size}`), Buffer.alloc(size * MIB, "body "));
}

/** The third number of stub_status; our own question is one of them. */
async function countOf(port: number): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    request({ port, host: "127.0.0.1", agent: false }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve(body));
    })
      .on("error", reject)
      .end();
  });
  return Number(/\d+ \d+ (\d+)/.exec(text)?.[1] ?? Number.NaN);
}
