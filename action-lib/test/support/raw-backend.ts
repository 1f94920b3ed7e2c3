import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { makeCa } from "./certificates";
import { type Params, paramsOf } from "./server";

/** When a connection breaks, in the order of a request's life. */
export const MOMENTS = [
  "while it was idle",
  "before the head is read",
  "after the head",
  "in the body",
  "before the answer",
  "in the answer's head",
  "in the answer's body",
] as const;
export type Moment = (typeof MOMENTS)[number];

export interface RawBackend extends AsyncDisposable {
  params: Params;
  /** How often a request with this `x-id` was seen, if only its head. */
  seen(id: string): number;
  /** Connections since the start. */
  connections(): number;
  /** Connections since the start, with those that never came about. */
  attempts(): number;
  /** Breaks so many of the next connections before they are connections. */
  breakHandshakes(count: number): void;
  /** Breaks the next connection on which a request with this `x-id` comes, once. */
  breakOnce(id: string, moment: Exclude<Moment, "while it was idle">): void;
  /** Breaks all connections that are open; a client in this process cannot know of it before its next turn. */
  breakIdle(): void;
}

/** A server of raw TLS that reads HTTP/1.1 by hand, so that it can break at any moment. */
export async function startRawBackend(): Promise<RawBackend> {
  const ca = await makeCa();
  const sockets = new Set<TLSSocket>();
  const seen = new Map<string, number>();
  const faults = new Map<string, Moment>();
  let [connections, attempts, broken] = [0, 0, 0];
  const identity = await ca.issue({ names: ["127.0.0.1"] });

  const server = createServer({ ...identity, ca: ca.cert, requestCert: true, rejectUnauthorized: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    serve(socket, seen, faults);
  });
  server.on("tlsClientError", () => {});
  server.on("connection", (socket: Socket) => {
    attempts++;
    if (broken > 0) socket.resetAndDestroy();
    broken = Math.max(0, broken - 1);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    params: await paramsOf(ca, `https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    seen: (id) => seen.get(id) ?? 0,
    connections: () => connections,
    attempts: () => attempts,
    breakHandshakes: (count) => {
      broken = count;
    },
    breakOnce: (id, moment) => faults.set(id, moment),
    breakIdle: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const ANSWER_HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\n";

function serve(socket: TLSSocket, seen: Map<string, number>, faults: Map<string, Moment>): void {
  let received = "";
  let counted = false;
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    const end = received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = received.slice(0, end).toLowerCase();
    const body = received.slice(end + 4);
    const id = /x-id: (\S+)/.exec(head)?.[1] ?? "";
    const fault = faults.get(id);

    if (!counted) seen.set(id, (seen.get(id) ?? 0) + 1);
    counted = true;
    const isWhole = isWholeBody(head, body);
    const breaksNow =
      fault === "before the head is read" ||
      fault === "after the head" ||
      (fault === "in the body" && (body !== "" || isWhole)) ||
      (fault === "before the answer" && isWhole);
    if (breaksNow) {
      faults.delete(id);
      if (fault === "before the head is read") seen.set(id, (seen.get(id) ?? 0) - 1);
      socket.destroy();
    } else if (isWhole) {
      faults.delete(id);
      received = "";
      counted = false;
      answer(socket, fault);
    }
  });
}

function answer(socket: TLSSocket, fault: Moment | undefined): void {
  if (fault === "in the answer's head") socket.end(ANSWER_HEAD.slice(0, 20));
  else if (fault === "in the answer's body") socket.end(`${ANSWER_HEAD}ans`);
  else socket.write(`${ANSWER_HEAD}answer`);
}

function isWholeBody(head: string, body: string): boolean {
  if (head.includes("transfer-encoding: chunked")) return body.endsWith("0\r\n\r\n");
  return body.length >= Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
}
