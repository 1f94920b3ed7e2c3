import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Issued } from "../../../cli/src/certificates";

/** Something that listens where a proxy should. */
export interface StandIn extends AsyncDisposable {
  endpoint: string;
  port: number;
}

export type Respond = (request: IncomingMessage, response: ServerResponse) => void;

/** So that a stand-in has no fault but the one that is meant. */
const CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0";

/**
 * An https server of Node's that asks for a client certificate, takes every one, and leaves the judgement to `respond`.
 * @param ca whose certificates are of the CA
 */
export const httpsServer = (certificate: Issued, respond: Respond, ca: Issued): Promise<StandIn> =>
  listening(
    createHttpsServer(
      { ...certificate, ca: ca.cert, requestCert: true, rejectUnauthorized: false, ciphers: CIPHERS },
      respond,
    ),
  );

/** Ends the handshake with whoever has no certificate of the CA, as most servers do; up to TLS 1.2 that shows at once. */
export const strictTlsServer = (certificate: Issued, ca: Issued): Promise<StandIn> =>
  listening(
    createTlsServer({
      ...certificate,
      ca: ca.cert,
      requestCert: true,
      rejectUnauthorized: true,
      ciphers: CIPHERS,
      maxVersion: "TLSv1.2",
    }),
  );

export const httpServer = (respond: Respond): Promise<StandIn> => listening(createHttpServer(respond));

/** A load balancer that ends TLS with a certificate of its own and speaks TLS anew to the proxy, as nobody. */
export const tlsEndingBalancer = (certificate: Issued, proxyPort: number): Promise<StandIn> =>
  listening(
    createTlsServer({ ...certificate, ciphers: CIPHERS }, (outside) => {
      const inside = connectTls({ host: "127.0.0.1", port: proxyPort, rejectUnauthorized: false });
      join(outside, inside);
    }),
  );

/** Passes TLS on to the proxy, and answers http on the same port. */
export const plainBesideTls = (proxyPort: number): Promise<StandIn> =>
  listening(
    createServer((outside) => {
      outside.once("data", (first: Buffer) => {
        if (first.toString("latin1", 0, 3) === "GET") {
          outside.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
          return;
        }
        const inside = connect(proxyPort, "127.0.0.1");
        inside.write(first);
        join(outside, inside);
      });
    }),
  );

function join(one: Socket, other: Socket): void {
  for (const socket of [one, other]) socket.on("error", () => undefined);
  one.pipe(other).pipe(one);
  one.on("close", () => other.destroy());
  other.on("close", () => one.destroy());
}

/** In the proxy's own words. */
export function refuse(response: ServerResponse, code: string, status = 403): void {
  response.writeHead(status, { "content-type": "application/json", "x-mtls-proxy-error": code });
  response.end(JSON.stringify({ error: code }));
}

/** Who signed the caller's certificate, by its own word. */
export const issuerOf = ({ socket }: IncomingMessage): unknown => (socket as TLSSocket).getPeerCertificate().issuer?.CN;

export const isOfCa = ({ socket }: IncomingMessage): boolean => (socket as TLSSocket).authorized;

async function listening(server: Server): Promise<StandIn> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
  server.on("tlsClientError", () => undefined).on("clientError", (_: Error, socket: Socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `https://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
