import { get } from "node:https";
import { json } from "node:stream/consumers";
import { createMtlsAgent } from "app-builder-mtls";

export function main(params: { __AIO_MTLS_ENDPOINT: string }) {
  return new Promise((resolve, reject) => {
    get(`${params.__AIO_MTLS_ENDPOINT}/path`, { agent: createMtlsAgent(params) }, async (response) =>
      resolve({ statusCode: response.statusCode, body: await json(response) }),
    ).on("error", reject);
  });
}
