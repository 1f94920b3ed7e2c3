import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { Issued } from "../../cli/src/certificates";
import { issueCa, issueServer } from "./certificates";

/** What reached a backend. */
interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface Backend extends AsyncDisposable {
  url: string;
  port: number;
  /** The CA that signs its certificate, PEM. */
  ca: string;
}

export interface RecordingBackend extends Backend {
  seen: SeenRequest[];
}

export interface BackendOptions {
  /** Default: 200 with what was seen, as JSON. */
  respond?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Default: a good certificate for `localhost`. */
  certificate?: Issued;
  tls?: TlsOptions;
  /** Where it listens. Default: a free port of 127.0.0.1. */
  host?: string;
  port?: number;
}

/** An https backend that records what reaches it and answers as it is told. */
export async function startBackend(options: BackendOptions = {}): Promise<RecordingBackend> {
  const { respond, certificate, tls, host = "127.0.0.1" } = options;
  const ca = await issueCa();
  const seen: SeenRequest[] = [];
  const server = createServer(
    { ...(certificate ?? (await issueServer(ca))), maxHeaderSize: 256 * 1024, ...tls },
    async (request, response) => {
      if (respond) return respond(request, response);
      const { method = "", url = "", headers, rawHeaders } = request;
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const one = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString("latin1") };
      seen.push(one);
      response.setHeader("content-type", "application/json").end(JSON.stringify(one));
    },
  );
  server.keepAliveTimeout = 0;
  server.on("clientError", (_, socket) => socket.destroy());
  server.listen(options.port ?? 0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `https://localhost:${port}`, port, ca: ca.cert, seen, [Symbol.asyncDispose]: close };
}

/** A backend that speaks TLS and then whatever the test wants. */
export async function startRawBackend(
  onConnection: (socket: TLSSocket) => void,
  tls: TlsOptions = {},
): Promise<Backend> {
  const ca = await issueCa();
  const server = createTlsServer({ ...(await issueServer(ca)), ...tls }, onConnection);
  return { ...(await listening(server)), ca: ca.cert };
}

/** A port on which somebody listens who speaks no TLS. */
export async function startTcpBackend(onConnection: (socket: Socket) => void): Promise<Omit<Backend, "ca">> {
  return listening(createTcpServer(onConnection));
}

async function listening(server: Server): Promise<Omit<Backend, "ca">> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
  server.on("secureConnection", (socket: TLSSocket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { url: `https://localhost:${port}`, port, [Symbol.asyncDispose]: close };
}
