import { createInterface } from "node:readline";
import { connect, type TLSSocket } from "node:tls";
import { createMtlsFetch } from "app-builder-mtls";
import { medianOf } from "../report/statistics";
import type { Access } from "../sides/side";
import { type Call, CLIENTS, paramsOf } from "./clients";
import type { ClientName, Job } from "./jobs";

// A process of callers: a job a line on stdin, its numbers a line on stdout.

const PATH = "/stock/4711?warehouse=basel";
const WARM_UP_CALLS = 3;

async function done(job: Job): Promise<number[]> {
  switch (job.kind) {
    case "warm":
      return [await warm(callOf(job.client, job.access), job.forMs, job.path ?? PATH, job.least ?? 1)];
    case "handshakes":
      return [await handshakes(job.access, job.resumed, job.forMs)];
    case "overhead":
      return [await overhead(job.access, job.pairs)];
    case "press":
      return press(job.access, job.callers, job.forMs);
    case "hold":
      return [await hold(job.access, job.connections)];
  }
}

const calls = new Map<string, Call>();

/** Kept between jobs, and with it its connections. */
function callOf(client: ClientName, access: Access): Call {
  const name = `${client} ${access.url}`;
  const call = calls.get(name) ?? CLIENTS[client](access);
  calls.set(name, call);
  return call;
}

async function warm(call: Call, forMs: number, path: string, least: number): Promise<number> {
  for (let index = 0; index < Math.min(WARM_UP_CALLS, least); index++) await call(path);
  const times: number[] = [];
  const end = performance.now() + forMs;
  while (times.length < least || performance.now() < end) times.push(await timed(() => call(path)));
  return medianOf(times);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function handshakes(access: Access, resumed: boolean, forMs: number): Promise<number> {
  let session = resumed ? (await oneRequest(access)).session : undefined;
  const times: number[] = [];
  const end = performance.now() + forMs;
  while (times.length < 3 || performance.now() < end) {
    const begun = performance.now();
    const answered = await oneRequest(access, session);
    times.push(answered.at - begun);
    if (answered.isReused !== resumed) throw new Error(`${access.url} ${resumed ? "resumed no" : "resumed a"} session`);
    if (resumed) session = answered.session ?? session;
  }
  return medianOf(times);
}

interface Answered {
  at: number;
  session?: Buffer | undefined;
  isReused: boolean;
}

/** By hand, because an agent would keep the connection, and its request costs more than a handshake's difference. */
function oneRequest({ url, cert, key, ca }: Access, session?: Buffer): Promise<Answered> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    const tls = { port: Number(port), host: hostname, cert, key, ca, rejectUnauthorized: ca !== undefined };
    const socket = connect({ ...tls, ...(session && { session }) }, () => {
      isReused = socket.isSessionReused();
      socket.write(`GET ${PATH} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`);
    });
    let isReused = false;
    let latest: Buffer | undefined;
    let at = 0;
    let text = "";
    socket.on("session", (given: Buffer) => {
      latest = given;
    });
    socket.on("data", (chunk: Buffer) => {
      at ||= performance.now();
      text += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () =>
      text.startsWith("HTTP/1.1 200")
        ? resolve({ at, session: latest, isReused })
        : reject(new Error(`it answered ${text.slice(0, 80)}`)),
    );
  });
}

/** In turn, so that both meet the same machine; medians, so that a pause does not count. */
async function overhead(access: Access, pairs: number): Promise<number> {
  const library = callOf("library", access);
  const nodeFetch = callOf("node-fetch", access);
  const times: { library: number[]; nodeFetch: number[] } = { library: [], nodeFetch: [] };
  for (let pair = 0; pair < pairs; pair++) {
    const turns = [
      async () => times.library.push(await timed(() => library(PATH))),
      async () => times.nodeFetch.push(await timed(() => nodeFetch(PATH))),
    ];
    if (pair % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  return (medianOf(times.library) - medianOf(times.nodeFetch)) * 1000;
}

const IDEMPOTENT = ["GET", "PUT", "HEAD", "DELETE"];

async function press(access: Access, callers: number, forMs: number): Promise<number[]> {
  const params = paramsOf(access);
  const end = performance.now() + forMs;
  let [count, lost] = [0, 0];
  const call = async () => {
    while (performance.now() < end) {
      const method = IDEMPOTENT[count++ % IDEMPOTENT.length] ?? "GET";
      try {
        const response = await createMtlsFetch(params)(PATH, { method });
        await response.text();
        if (response.status !== 200) lost++;
      } catch {
        lost++;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return [count, lost];
}

const held: TLSSocket[] = [];
/** More at once would only wait in the server's queue. */
const OPENING = 32;

async function hold(access: Access, connections: number): Promise<number> {
  const { port, hostname } = new URL(access.url);
  const { cert, key, ca } = access;
  const tls = { port: Number(port), host: hostname, cert, key, ca, rejectUnauthorized: ca !== undefined };
  const wanted = held.length + connections;
  let opening = held.length;
  const open = async () => {
    while (opening < wanted) {
      opening++;
      await new Promise<void>((resolve, reject) => {
        const socket = connect(tls, () => socket.write(`GET ${PATH} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`));
        socket.once("data", () => {
          held.push(socket);
          resolve();
        });
        socket.once("error", reject);
      });
    }
  };
  await Promise.all(Array.from({ length: OPENING }, open));
  return held.filter((socket) => !socket.destroyed).length;
}

async function serve(): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    const answer = await done(JSON.parse(line) as Job).then(
      (numbers) => ({ numbers }),
      (error: Error) => ({ error: error.stack }),
    );
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}

serve();
