import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { makeCa, type TestCa } from "./certificates";

/** What an action is given. */
export interface Params {
  __AIO_MTLS_ENDPOINT: string;
  __AIO_MTLS_CERT: string;
  __AIO_MTLS_KEY: string;
  __AIO_MTLS_CA: string;
}

export interface MtlsServer extends AsyncDisposable {
  ca: TestCa;
  server: Server;
  endpoint: string;
  /** Credentials of a client that the server admits. */
  params: Params;
}

export interface MtlsServerOptions extends ServerOptions {
  answer?: RequestListener;
}

/** An https server on loopback that demands a client certificate of its own CA; it ends with its scope. */
export async function startServer({ answer = echo, ...options }: MtlsServerOptions = {}): Promise<MtlsServer> {
  const ca = await makeCa();
  const identity = await ca.issue({ commonName: "server", names: ["127.0.0.1"] });
  const server = createServer(
    { ...identity, ca: ca.cert, requestCert: true, rejectUnauthorized: true, ...options },
    answer,
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ca,
    server,
    endpoint,
    params: await paramsOf(ca, endpoint),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** The credentials of a new client of the CA. */
export async function paramsOf(ca: TestCa, endpoint: string): Promise<Params> {
  const client = await ca.issue();
  return {
    __AIO_MTLS_ENDPOINT: endpoint,
    __AIO_MTLS_CERT: client.cert,
    __AIO_MTLS_KEY: client.key,
    __AIO_MTLS_CA: ca.cert,
  };
}

const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method: request.method, url: request.url, body: Buffer.concat(chunks).toString() }));
  });
};
