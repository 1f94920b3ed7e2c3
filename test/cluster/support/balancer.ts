import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { HEALTH_PATH, HEALTH_PORT } from "@app-builder-mtls/proxy";
import { downloadDebianPackage, programInside } from "../../../cli/src/debianPackages";
import { until } from "../../support/until";
import { addressOf, BALANCER } from "./network";

/** haproxy in the Network Load Balancer's place. */
export interface Balancer extends AsyncDisposable {
  /** Whether health checks found the machine well. */
  isUp(machine: number): Promise<boolean>;
  /** As an auto scaling group does when a machine has joined: it is checked from now on. */
  register(machine: number): Promise<void>;
  /** As an auto scaling group does before it ends a machine: no new connections, no more checks, what is open stays open. */
  deregister(machine: number): Promise<void>;
}

/** How long haproxy may take to listen, in milliseconds. */
const STARTS_MS = 10_000;

export async function startBalancer(namespace: string, directory: string, machines: number): Promise<Balancer> {
  const root = await downloadDebianPackage("haproxy", { say: (said) => process.stderr.write(`    ${said}\n`) });
  const haproxy = programInside(root, "usr/sbin/haproxy");
  if (!haproxy) throw new Error(`The packages unpacked into ${root} hold no dynamic loader.`);
  const { command, leadingArguments } = haproxy;
  const [socket, file] = [join(directory, "haproxy.socket"), join(directory, "haproxy.cfg")];
  writeFileSync(file, configuration(machines, socket));
  const child = spawn("ip", ["netns", "exec", namespace, command, ...leadingArguments, "-db", "-f", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
  });
  const say = (order: string): Promise<string> => {
    const connection = connect(socket);
    connection.end(`${order}\n`);
    return text(connection);
  };
  const state = async (machine: number) => {
    const row = (await say("show stat")).split("\n").find((line) => line.startsWith(`machines,machine-${machine},`));
    return row?.split(",")[STATUS_COLUMN] ?? "";
  };
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`haproxy ended and said:\n${said}`);
    return (await say("show info").catch(() => "")) !== "";
  }, STARTS_MS);
  return {
    isUp: async (machine) => /^UP/.test(await state(machine)),
    register: async (machine) => void (await say(`set server machines/machine-${machine} state ready`)),
    deregister: async (machine) => {
      await say(`disable health machines/machine-${machine}`);
      await say(`set server machines/machine-${machine} state drain`);
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Of haproxy's management guide, "CSV format". */
const STATUS_COLUMN = 17;

function configuration(machines: number, socket: string): string {
  const values: Record<string, string> = {
    SOCKET: socket,
    ADDRESS: BALANCER,
    HEALTH_PATH,
    HEALTH_PORT: String(HEALTH_PORT),
  };
  const template = readFileSync(join(__dirname, "haproxy.cfg"), "utf8");
  const servers = Array.from({ length: machines }, (_, index) => {
    const machine = index + 1;
    return `    server machine-${machine} ${addressOf(machine)}:443 disabled`;
  });
  return `${template.replace(/\$\{(\w+)\}/g, (_, name: string) => values[name] ?? "")}${servers.join("\n")}\n`;
}
