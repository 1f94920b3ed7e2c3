import { createMtlsAgent } from "app-builder-mtls";
import fetch from "node-fetch";

export async function main(params: { __AIO_MTLS_ENDPOINT: string }) {
  const response = await fetch(`${params.__AIO_MTLS_ENDPOINT}/path`, { agent: createMtlsAgent(params) });
  return { statusCode: response.status, body: await response.json() };
}
