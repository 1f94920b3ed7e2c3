import { createMtlsAgent } from "app-builder-mtls";
import got from "got";

export async function main(params: { __AIO_MTLS_ENDPOINT: string }) {
  const options = { prefixUrl: params.__AIO_MTLS_ENDPOINT, agent: { https: createMtlsAgent(params) } };
  const response = await got("path", { ...options, responseType: "json" });
  return { statusCode: response.statusCode, body: response.body };
}
