import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { caProfile, clientProfile } from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../cli/src/certificates";
import { CommandError } from "../cli/src/errors";
import { type LocalSession, startLocal } from "../cli/src/local/command";
import { type Backend, startBackend } from "./backend";

const exec = promisify(execFile);
const EXAMPLE = join(__dirname, "../examples/node/call.js");
const PATH = "/stock/4711?warehouse=basel";

const say = (text: string) => process.stdout.write(`${text}\n`);

/** The whole thing on one machine: a backend, the proxy, an action's code, and everybody who is turned away. */
async function main(keep: boolean): Promise<void> {
  const interrupted = interruption();
  await using directory = await temporaryDirectory();
  await using backend = await startBackend();
  const destinationCa = join(directory.path, "backend-ca.crt");
  await writeFile(destinationCa, backend.ca);
  const session = await startLocal({ destination: backend.url, destinationCa, dir: directory.path }, { progress: say });
  await using proxy = session.proxy;
  await Promise.race([tell(session, backend), interrupted]);
  if (!keep) return;
  say(`\nStays up until Ctrl-C. Credentials   ${session.envFile}`);
  await Promise.race([interrupted, proxy.nginx.ended]);
}

async function tell({ settings, certificates, proxy, envFile }: LocalSession, backend: Backend): Promise<void> {
  const { ca } = certificates;
  const unlisted = await issue(clientProfile(settings, { name: "partner-x", generation: 1 }), { issuer: ca });
  const foreignCa = await issue(caProfile(settings));
  const stranger = await issue(clientProfile(settings, { name: "app-builder", generation: 1 }), { issuer: foreignCa });

  say(`A backend with TLS of its own       ${backend.url}`);
  say(`The proxy, nginx with mutual TLS    ${proxy.endpoint}`);
  say("");
  say(`An action's code calls              GET ${PATH}`);
  say(`  with its client certificate       ${await callExample(envFile)}`);
  say(`  without a certificate             ${await call(proxy.endpoint, ca)}`);
  say(`  with a stranger's certificate     ${await call(proxy.endpoint, ca, stranger)}`);
  say(`  with an unlisted client's         ${await call(proxy.endpoint, ca, unlisted)}`);
  say("");
  const requests = backend.seen.map(({ method, url, client }) => `${method} ${url} from ${client}`);
  say(`What the backend saw                ${requests.join("; ")}`);
}

/** The example as a user runs it: a process of its own with an `.env`. */
async function callExample(envFile: string): Promise<string> {
  const { stdout } = await exec(process.execPath, [`--env-file=${envFile}`, EXAMPLE, PATH]);
  return stdout.trim();
}

function call(endpoint: string, ca: Issued, client?: Issued): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, ca: ca.cert, cert: client?.cert, key: client?.key };
    const asked = request(new URL(PATH, endpoint), options, (answer) => {
      answer.resume();
      resolve(`${answer.statusCode} ${answer.headers["x-mtls-proxy-error"] ?? ""}`);
    });
    asked.on("error", reject).end();
  });
}

async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), "mtls-proxy-demo-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Ctrl-C ends the story early, and in order: nginx is stopped and the directory removed. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
}

main(process.argv.includes("--keep")).catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof CommandError ? `error ${error.code}: ${error.message}` : (error as Error).stack}\n`,
  );
  process.exitCode = 1;
});
