import https from "node:https";
import fetch from "node-fetch";

let agent;

export async function main(params) {
  agent ??= new https.Agent({
    cert: params.__AIO_MTLS_CERT,
    key: params.__AIO_MTLS_KEY,
    ca: params.__AIO_MTLS_CA,
    keepAlive: true,
  });
  const response = await fetch(`${params.__AIO_MTLS_ENDPOINT}/stock/4711?warehouse=basel`, { agent });
  return { statusCode: 200, body: await response.json() };
}
