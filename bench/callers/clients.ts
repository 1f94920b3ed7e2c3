import { Agent, request } from "node:https";
import { createMtlsFetch } from "app-builder-mtls";
import nodeFetch from "node-fetch";
import { Agent as UndiciAgent, request as undiciRequest } from "undici";
import type { Access } from "../sides/side";
import type { ClientName } from "./jobs";

/** Calls a path and reads the whole answer; resolves with its bytes. */
export type Call = (path: string) => Promise<number>;

/** Made once, as an action makes it once in its container, and then called again and again. */
export const CLIENTS: Record<ClientName, (access: Access) => Call> = {
  library: (access) => {
    const params = paramsOf(access);
    // made in every activation, as docs/library.md says
    return async (path) => bytesOf(await createMtlsFetch(params)(path));
  },
  guide:
    ({ url, cert, key }) =>
    async (path) => {
      const agent = new Agent({ cert, key, rejectUnauthorized: false, keepAlive: false });
      return bytesOf(await nodeFetch(url + path, { agent }));
    },
  "node-fetch": ({ url, cert, key, ca }) => {
    const agent = new Agent({ cert, key, ca, keepAlive: true });
    return async (path) => bytesOf(await nodeFetch(url + path, { agent }));
  },
  https: ({ url, cert, key, ca }) => {
    const agent = new Agent({ cert, key, ca, keepAlive: true, rejectUnauthorized: ca !== undefined });
    return (path) =>
      new Promise((resolve, reject) => {
        request(url + path, { agent }, (answer) => {
          let bytes = 0;
          answer.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
          });
          answer.on("end", () => (answer.statusCode === 200 ? resolve(bytes) : reject(failed(answer.statusCode))));
          answer.on("error", reject);
        })
          .on("error", reject)
          .end();
      });
  },
  undici: ({ url, cert, key, ca }) => {
    const dispatcher = new UndiciAgent({ connect: { cert, key, ca } });
    return async (path) => {
      const { statusCode, body } = await undiciRequest(url + path, { dispatcher });
      if (statusCode !== 200) throw failed(statusCode);
      return (await body.text()).length;
    };
  },
};

export const paramsOf = ({ url, cert, key, ca }: Access): Record<string, string | undefined> => ({
  __AIO_MTLS_ENDPOINT: url,
  __AIO_MTLS_CERT: cert,
  __AIO_MTLS_KEY: key,
  __AIO_MTLS_CA: ca,
});

async function bytesOf(response: { status: number; text(): Promise<string> }): Promise<number> {
  const text = await response.text();
  if (response.status !== 200) throw failed(response.status);
  return text.length;
}

const failed = (status: number | undefined): Error => new Error(`it answered ${status}`);
