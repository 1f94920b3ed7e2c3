import { createMtlsAgent } from "app-builder-mtls";
import axios from "axios";

export async function main(params: { __AIO_MTLS_ENDPOINT: string }) {
  const options = { baseURL: params.__AIO_MTLS_ENDPOINT, httpsAgent: createMtlsAgent(params) };
  const { status, data } = await axios.get("/path", options);
  return { statusCode: status, body: data };
}
