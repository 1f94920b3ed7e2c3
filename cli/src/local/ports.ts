import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { CommandError } from "../errors";

/** Where a search for a free port begins; a local proxy keeps to the ports that App Builder's actions can reach. */
const FIRST = 10_443;
const LAST = 20_000;
const LISTENING = "0A"; // TCP_LISTEN in Linux' include/net/tcp_states.h

export async function freePort(first = FIRST): Promise<number> {
  for (let port = first; port <= LAST; port++) if (await isFree(port)) return port;
  throw new CommandError(
    "ERR_MTLS_NO_FREE_PORT",
    `Every port from ${first} to ${LAST} is taken; stop something, or give --port.`,
  );
}

/** @throws CommandError ERR_MTLS_PORT_TAKEN, naming the process that holds it where this can be found out */
export async function requireFreePort(port: number): Promise<void> {
  if (await isFree(port)) return;
  const holder = (await holderOf(port)) ?? "a process that this user may not see";
  throw new CommandError(
    "ERR_MTLS_PORT_TAKEN",
    `Port ${port} is held by ${holder}. Stop it, or give another port with --port.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Linux tells without a tool: /proc/net/tcp has the socket's inode, and each process links to its sockets. */
async function holderOf(port: number): Promise<string | undefined> {
  const inodes = new Set((await Promise.all(["tcp", "tcp6"].map((table) => listeningInodes(table, port)))).flat());
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const id of processes) if (await holdsOneOf(id, inodes)) return `process ${id} (${await commandLineOf(id)})`;
  return undefined;
}

async function listeningInodes(table: string, port: number): Promise<string[]> {
  const rows = (await readFile(`/proc/net/${table}`, "utf8").catch(() => ""))
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const hexPort = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return rows.flatMap(([, address, , state, , , , , , inode]) =>
    address?.endsWith(hexPort) && state === LISTENING && inode ? [inode] : [],
  );
}

async function holdsOneOf(id: string, inodes: Set<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${id}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const link = await readlink(`/proc/${id}/fd/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode && inodes.has(inode)) return true;
  }
  return false;
}

async function commandLineOf(id: string): Promise<string> {
  const name = await readFile(`/proc/${id}/comm`, "utf8").catch(() => "");
  return name.trim() || "unknown";
}
