import { createHash, randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { type Backend, startBackend } from "../../support/backend";
import { startProxy, type TestProxy } from "../../support/proxy";

const DATASHEET = randomBytes(200_000);
const STOCK = 42;

interface Reservation {
  path: string;
  body: string;
  client: string | undefined;
}

/** The two backends that the example calls, and the real proxy in front of them. */
export interface Company extends AsyncDisposable {
  proxy: TestProxy;
  erp: Backend;
  pim: Backend;
  reservations: Reservation[];
}

export async function startCompany(): Promise<Company> {
  const reservations: Reservation[] = [];
  const erp = await startBackend({
    respond: async (request, response) => {
      response.setHeader("content-type", "application/json");
      if (request.method !== "POST") return response.end(JSON.stringify({ stock: STOCK }));
      const client = request.headers["x-mtls-client"];
      reservations.push({ path: request.url ?? "", body: await text(request), client: client?.toString() });
      response.writeHead(201).end("{}");
    },
  });
  const pim = await startBackend({
    respond: (_, response) => response.setHeader("content-type", "application/pdf").end(DATASHEET),
  });
  const proxy = await startProxy({
    destinations: [
      { name: "erp", path: "/erp", url: erp.url, ca: erp.ca },
      { name: "pim", path: "/pim", url: pim.url, ca: pim.ca },
    ],
  });
  const dispose = async () => {
    await Promise.all([proxy, erp, pim].map((part) => part[Symbol.asyncDispose]()));
  };
  return { proxy, erp, pim, reservations, [Symbol.asyncDispose]: dispose };
}

export const credentialsOf = ({ endpoint, client, ca }: TestProxy): Record<string, string> => ({
  __AIO_MTLS_ENDPOINT: endpoint,
  __AIO_MTLS_CERT: client.cert,
  __AIO_MTLS_KEY: client.key,
  __AIO_MTLS_CA: ca.cert,
});

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** What a caller of get-product is told, with the data sheet as its digest. */
export function readable(body: unknown): unknown {
  const { datasheet, ...rest } = body as Record<string, unknown>;
  return typeof datasheet === "string" ? { ...rest, datasheet: digest(Buffer.from(datasheet, "base64")) } : body;
}

export const PRODUCT = { sku: "4711", stock: STOCK, datasheet: digest(DATASHEET) };
