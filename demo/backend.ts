import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { CertificateProfile } from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../cli/src/certificates";

/** What the backend saw of a request that reached it. */
export interface SeenRequest {
  method: string;
  url: string;
  /** The client that the proxy named. */
  client: string;
}

export interface Backend {
  url: string;
  /** What its certificate is signed by. */
  ca: string;
  seen: SeenRequest[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A company's backend with a TLS certificate of its own, from a CA that has nothing to do with the proxy's. */
export async function startBackend(): Promise<Backend> {
  const ca = await issue(profile("Company CA", true));
  const { cert, key } = await issue(profile("erp", false), { issuer: ca, names: ["localhost"] });
  const seen: SeenRequest[] = [];
  const server = answering(seen, { cert, key });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    ca: ca.cert,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function answering(seen: SeenRequest[], credentials: Issued): Server {
  return createServer(credentials, (request, response) => {
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, client: String(headers["x-mtls-client"]) });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ stock: 42, path: url }));
  });
}

function profile(commonName: string, isCa: boolean): CertificateProfile {
  return {
    subject: { organizationalUnit: "demo", commonName },
    isCa,
    usages: isCa ? ["cert_signing"] : ["digital_signature", "server_auth"],
    keyAlgorithm: "ECDSA-P256",
    lifetimeDays: 30,
    renewDays: 1,
  };
}
