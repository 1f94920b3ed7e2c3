import https from "node:https";
import fetch from "node-fetch";

// Adobe's guide's: the same options, an agent for every call. It logs nothing, so that the log is not what is measured.
export async function main(params) {
  const options = {
    cert: params.__AIO_MTLS_CERT,
    key: params.__AIO_MTLS_KEY,
    rejectUnauthorized: false,
    keepAlive: false,
  };
  const agent = new https.Agent(options);
  const response = await fetch(`${params.__AIO_MTLS_ENDPOINT}/stock/4711?warehouse=basel`, { agent });
  return { statusCode: 200, body: { resp: await response.text() } };
}
