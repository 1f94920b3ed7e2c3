import { request } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { createMtlsFetch, type MtlsFetch } from "../../../action-lib/src";
import type { Issued } from "../../../cli/src/certificates";

/** How callers call: over kept connections through the library, idempotently or not, or each time over a new one. */
type Kind = "kept GET" | "kept POST" | "fresh GET";

/** A failed call: what it was, and what came instead of 200. */
interface Failure {
  kind: Kind;
  reason: string;
}

export interface Load {
  readonly calls: Record<Kind, number>;
  readonly failures: Failure[];
  /** Milliseconds of the call that took longest. */
  readonly slowest: () => number;
  /** Resolves when the last call has ended. */
  stop(): Promise<void>;
}

export interface Target {
  host: string;
  port: number;
  path: string;
  ca: string;
  client: Issued;
}

/** In every tick ten calls: 200 a second, where the machine has the processor for it. */
const TICK_MS = 50;
/** More are not begun: on a starved machine this test would otherwise measure its own queue. */
const MOST_OPEN = 60;
/** As long as the longest action; a starved machine answers late, and that is no failure. */
const LIMIT_MS = 60_000;
const MIX: Kind[] = [...Array<Kind>(6).fill("kept GET"), "fresh GET", "fresh GET", "kept POST", "kept POST"];

export function startLoad(target: Target): Load {
  const fetch = createMtlsFetch({
    __AIO_MTLS_ENDPOINT: `https://${target.host}:${target.port}`,
    __AIO_MTLS_CERT: target.client.cert,
    __AIO_MTLS_KEY: target.client.key,
    __AIO_MTLS_CA: target.ca,
  });
  const calls: Load["calls"] = { "kept GET": 0, "kept POST": 0, "fresh GET": 0 };
  const failures: Failure[] = [];
  let slowest = 0;
  const open = new Set<Promise<void>>();
  const one = async (kind: Kind) => {
    calls[kind] += 1;
    const begun = Date.now();
    const reason = await outcome(kind, fetch, target).catch(reasonOf);
    slowest = Math.max(slowest, Date.now() - begun);
    if (reason !== "200") failures.push({ kind, reason });
  };
  let running = true;
  const ticking = (async () => {
    const start = Date.now();
    for (let tick = 0; running; tick++) {
      for (const kind of open.size < MOST_OPEN ? MIX : []) {
        const call = one(kind).finally(() => open.delete(call));
        open.add(call);
      }
      await pause(Math.max(0, start + (tick + 1) * TICK_MS - Date.now()));
    }
  })();
  const stop = async () => {
    running = false;
    await ticking;
    await Promise.all(open);
  };
  return { calls, failures, slowest: () => slowest, stop };
}

async function outcome(kind: Kind, fetch: MtlsFetch, target: Target): Promise<string> {
  if (kind === "fresh GET") return freshGet(target);
  const response = await fetch(target.path, kind === "kept POST" ? { method: "POST", body: "x".repeat(1_000) } : {});
  const said = await response.text();
  return response.status === 200 ? "200" : `${response.status} ${said.slice(0, 100)}`;
}

/** What a caller without a pool does: a connection for each call, none reused, so none repeated. */
function freshGet({ host, port, path, ca, client }: Target): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path, ca, ...client, agent: false, timeout: LIMIT_MS }, (response) => {
      const code = response.headers["x-mtls-proxy-error"];
      response.on("error", reject).on("end", () => resolve([response.statusCode, code].filter(Boolean).join(" ")));
      response.resume();
    });
    call.on("timeout", () => call.destroy(new Error("no answer in time")));
    call.on("error", reject).end();
  });
}

function reasonOf(error: Error & { code?: string }): string {
  const causes = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  return `${error.code ?? ""} ${causes.join(" < ")}`;
}
