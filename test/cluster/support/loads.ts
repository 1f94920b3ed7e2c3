/** Work for a cluster, one kind at a time or several at once, in a process of its own. */
import { type IncomingMessage, request } from "node:http";
import { Agent } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { obey } from "../../support/orders";
import { BALANCER } from "./network";

export interface Credentials {
  cert: string;
  key: string;
  ca: string;
}

export interface Work {
  /** On kept connections, each answered with 1,000 bytes. */
  requests?: number;
  /** New connections without a session to resume, each with one such request. */
  full?: number;
  /** New connections to these machines in turn, each resuming a session of its own machine, with one such request. */
  resumed?: { count: number; machines: string[] };
  /** New connections through the balancer that offer the newest session, whoever gave it, as an agent does. */
  again?: number;
  /** Answers of one MiB on kept connections. */
  mebibytes?: number;
}

export interface Orders {
  /** Opens so many connections through the balancer, and keeps them for all work to come. */
  open: (options: { credentials: Credentials; connections: number }) => Promise<void>;
  /** @returns how many new connections resumed a session */
  do: (work: Work) => Promise<number>;
  stop: (nothing: null) => void;
}

/** Bytes of an answer. */
const BYTES = 1_000;
const MEBIBYTE = 2 ** 20;

interface Opened {
  credentials: Credentials;
  kept: Agent;
  /** How many requests or new connections are under way at once. */
  width: number;
}

let opened: Opened | undefined;
const sessions = new Map<string, Buffer>();

function tools(): Opened {
  if (!opened) throw new Error("no connections were opened");
  return opened;
}

/** @returns once the whole answer has come */
function answer(bytes: number, agent: Agent | false, socket?: TLSSocket): Promise<void> {
  const headers = agent ? {} : { connection: "close" };
  const way = socket ? { createConnection: () => socket } : { agent, host: BALANCER, port: 443, protocol: "https:" };
  return new Promise((resolve, reject) => {
    const read = (response: IncomingMessage) => {
      let received = 0;
      response.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      response.on("end", () => {
        if (response.statusCode === 200 && received === bytes) resolve();
        else reject(new Error(`${response.statusCode} and ${received} bytes`));
      });
    };
    request({ ...way, path: `/bytes/${bytes}`, headers, setHost: false }, read)
      .setHeader("host", BALANCER)
      .on("error", reject)
      .end();
  });
}

const onKept = (bytes: number) => () => answer(bytes, tools().kept);

/** @param session name under which the newest session is kept, and offered */
async function onNew(to: string, session?: string): Promise<boolean> {
  const offered = session === undefined ? undefined : sessions.get(session);
  const socket = connect({ ...tools().credentials, host: BALANCER, socket: connectTcp(443, to), session: offered });
  if (session !== undefined) socket.on("session", (newest) => sessions.set(session, newest));
  await answer(BYTES, false, socket);
  return socket.isSessionReused();
}

async function times(count: number, one: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: tools().width }, worker));
}

async function work({ requests = 0, full = 0, resumed, again = 0, mebibytes = 0 }: Work): Promise<number> {
  let resumptions = 0;
  const count = async (connected: Promise<boolean>) => {
    if (await connected) resumptions += 1;
  };
  const machines = resumed?.machines ?? [];
  for (const machine of machines) await onNew(machine, machine);
  const machineOf = (index: number) => machines[index % machines.length] ?? BALANCER;
  await Promise.all([
    times(requests, onKept(BYTES)),
    times(mebibytes, onKept(MEBIBYTE)),
    times(full, () => count(onNew(BALANCER))),
    times(again, () => count(onNew(BALANCER, BALANCER))),
    times(resumed?.count ?? 0, (index) => count(onNew(machineOf(index), machineOf(index)))),
  ]);
  return resumptions;
}

const orders: Orders = {
  open: async ({ credentials, connections }) => {
    opened?.kept.destroy();
    const kept = new Agent({ ...credentials, keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
    opened = { credentials, kept, width: connections };
    await times(connections, onKept(BYTES));
  },
  do: work,
  stop: () => opened?.kept.destroy(),
};

if (require.main === module) obey(orders);
