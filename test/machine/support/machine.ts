import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { type Bundle, packBundle, STATUS_PATH } from "@app-builder-mtls/proxy";
import type { Issued } from "../../../cli/src/certificates";
import { freePort } from "../../../cli/src/local/ports";
import type { Nginx } from "../../../cli/src/nginx";
import { nginxUnderTest } from "../../support/nginx";
import { makeStack, type Stack } from "./bundles";
import { type NginxUnit, superviseNginx } from "./nginxUnit";
import { type EmulatedAws, REGION, SECRET, startAws } from "./secretsManager";

export const SYNC = join(__dirname, "../../../proxy/machine/files/sync/sync.py");

interface Problem {
  code: string;
  message: string;
  since: string;
}

/** The line that a run leaves in the journal. */
export interface JournalLine {
  outcome: "switched" | "unchanged" | "kept" | "busy" | "failed" | "leaving" | "joined" | "left";
  served?: string;
  wanted?: string;
  problem?: Problem;
  detail?: string;
  ailing?: Record<string, [health: string, cause: string | null]>;
}

interface Status {
  bundleVersion: string;
  wantedVersion: string | null;
  problem: Problem | null;
  certificates: { name: string; daysLeft: number }[];
  destinations: { name: string; health: string }[];
}

/** sync against real nginx, without a machine around them. */
export interface TestMachine extends AsyncDisposable {
  aws: EmulatedAws;
  nginx: NginxUnit;
  stack: Stack;
  port: number;
  /** nginx's prefix. */
  run: string;
  environment: NodeJS.ProcessEnv;
  /** Runs sync once, to its end. */
  sync(environment?: NodeJS.ProcessEnv): Promise<JournalLine>;
  /** Puts a bundle into the secret and runs sync once. */
  follow(bundle: Bundle): Promise<JournalLine>;
  startSync(environment?: NodeJS.ProcessEnv, command?: string[]): ChildProcess;
  /** What the status location says, asked as a listed client. */
  status(port?: number): Promise<Status>;
  current(): string;
}

export interface MachineOptions {
  settings?: Record<string, unknown>;
  nginx?: Nginx;
  /** Size of a tmpfs of its own, as on the real machine; an ordinary directory without. */
  memory?: string;
}

export async function startMachine({ settings = {}, nginx, memory }: MachineOptions = {}): Promise<TestMachine> {
  const binary = nginx ?? (await nginxUnderTest());
  const port = await freePort(10_000 + Math.floor(Math.random() * 9_000));
  const destinations = [{ name: "nowhere", url: "https://localhost:9" }];
  const stack = await makeStack({ port, destinations, ...settings }, binary.version);
  const run = mkdtempSync(join(tmpdir(), "mtls-proxy-machine-"));
  if (memory) execFileSync("mount", ["-t", "tmpfs", "-o", `size=${memory}`, "tmpfs", run]);
  for (const path of ["bundles", "state", "logs"]) mkdirSync(join(run, path), { mode: 0o750 });
  const aws = await startAws();
  const unit = superviseNginx(binary, run);
  const environment = {
    ...process.env,
    MTLS_PROXY_RUN: run,
    MTLS_PROXY_SECRET: SECRET,
    MTLS_PROXY_NGINX: [binary.command, ...binary.leadingArguments].join(" "),
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.endpoint,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const machine: TestMachine = {
    aws,
    nginx: unit,
    stack,
    port,
    run,
    environment,
    startSync: (more, [command = "python3", ...args] = ["python3", SYNC]) =>
      spawn(command, args, { env: { ...environment, ...more }, stdio: ["ignore", "pipe", "pipe"] }),
    sync: async (more) => lineOf(machine.startSync(more)),
    follow: async (bundle) => {
      aws.put(packBundle(bundle));
      return machine.sync();
    },
    status: async (at = port) =>
      JSON.parse((await ask(at, STATUS_PATH, stack.ca, await stack.client("app-builder"))).body),
    current: () => basename(readlinkSync(join(run, "current"))),
    [Symbol.asyncDispose]: async () => {
      await unit[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
      if (memory) execFileSync("umount", ["--lazy", run]);
      rmSync(run, { recursive: true, force: true });
    },
  };
  return machine;
}

/** The one line that a run of sync prints. */
export async function lineOf(child: ChildProcess): Promise<JournalLine> {
  if (!child.stdout || !child.stderr) throw new Error("sync without its output");
  const [said, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (complaint) throw new Error(`sync said on stderr: ${complaint}`);
  const lines = said.trim().split("\n");
  if (lines.length !== 1) throw new Error(`sync said ${lines.length} lines: ${said}`);
  return JSON.parse(lines[0] ?? "");
}

export interface Answer {
  status: number;
  body: string;
}

/** One request on a connection of its own. */
export function ask(port: number, path: string, ca: Issued, client: Issued, host = "127.0.0.1"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, ca: ca.cert, ...client, agent: false, timeout: 10_000 };
    const call = request(options, async (response) => {
      try {
        resolve({ status: response.statusCode ?? 0, body: await text(response) });
      } catch (error) {
        reject(error);
      }
    });
    call.on("timeout", () => call.destroy(new Error("no answer in time")));
    call.on("error", reject).end();
  });
}
