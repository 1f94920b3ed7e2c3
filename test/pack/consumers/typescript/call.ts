import { readFileSync } from "node:fs";
import type { Agent } from "node:https";
import {
  type Credentials,
  createMtlsAgent,
  createMtlsFetch,
  credentials,
  MtlsError,
  type MtlsErrorCode,
  type MtlsFetch,
} from "app-builder-mtls";

interface Params {
  __AIO_MTLS_ENDPOINT: string;
  other: number;
}

async function main(params: Params): Promise<unknown> {
  const fetch: MtlsFetch = createMtlsFetch(params, { timeout: 10_000, throwProxyErrors: true });
  const response = await fetch("/path/to/resource?param=value", { headers: { accept: "application/json" } });
  const status: number = response.status;
  const type: string | null = response.headers.get("content-type");
  const body: unknown = await response.json();
  return status === 200 && type === "application/json" ? body : undefined;
}

// Typed as promised: each of these lines would fail to compile if it were not.
export const agentOf = (params: Params): Agent => createMtlsAgent(params);
export const keyOf = (params: Params): Credentials["key"] => credentials(params, { endpoint: "https://a.example" }).key;
export const codeOf = (error: unknown): MtlsErrorCode | undefined =>
  error instanceof MtlsError ? error.code : undefined;
// @ts-expect-error: the agent is the library's own
export const withAgent = (fetch: MtlsFetch, agent: Agent) => fetch("/", { agent });

main(JSON.parse(readFileSync(process.env.PARAMS_FILE ?? "", "utf8"))).then((body) => console.log(JSON.stringify(body)));
