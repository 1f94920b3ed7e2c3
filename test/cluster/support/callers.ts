/** Callers of a cluster in a process of their own, through the library as it is built. */
import { createMtlsFetch, type MtlsFetch } from "../../../action-lib";
import { obey } from "../../support/orders";

export interface Failure {
  method: string;
  reason: string;
  /** Milliseconds since 1970. */
  begun: number;
  ended: number;
}

export interface Tally {
  /** Calls that have ended, by method. */
  calls: Record<string, number>;
  failures: Failure[];
  /** Milliseconds of the call that took longest. */
  slowest: number;
}

export interface Orders {
  start: (options: { params: object; callers: number }) => void;
  /** What has come since the last tally. */
  tally: (nothing: null) => Tally;
  /** When the oldest call began that has not ended, in milliseconds since 1970. */
  oldest: (nothing: null) => number;
  /** So many calls of each of these methods at once, which the backend holds, each with a path of its own: `/held/METHOD-NUMBER`. */
  hold: (calls: { methods: string[]; count: number }) => void;
  /** How those ended that did, by path: `answered`, or why not. */
  holdings: (nothing: null) => Record<string, string>;
  stop: (nothing: null) => Promise<void>;
}

/** One in five may not be repeated. */
const METHODS = ["GET", "PUT", "POST", "HEAD", "DELETE"];
/** One in so many calls gives its connection up, as containers come and go: there are always new connections. */
const LAST_ON_CONNECTION = 10;

const fresh = (): Tally => ({ calls: {}, failures: [], slowest: 0 });
let tally = fresh();
let [number, running] = [0, false];
const begins = new Set<{ begun: number }>();
let callers: Promise<void>[] = [];
let kept: MtlsFetch | undefined;
const holdings: Record<string, string> = {};
/** Longer than the balancer needs to find a machine dead. */
const HELD_MS = 150_000;

async function call(fetch: MtlsFetch): Promise<void> {
  const one = number++;
  const method = METHODS[one % METHODS.length] ?? "GET";
  const begun = { begun: Date.now() };
  begins.add(begun);
  const reason = await outcome(fetch, method, one).catch(reasonOf);
  begins.delete(begun);
  const ended = Date.now();
  tally.calls[method] = (tally.calls[method] ?? 0) + 1;
  tally.slowest = Math.max(tally.slowest, ended - begun.begun);
  if (reason !== "answered") tally.failures.push({ method, reason, ended, ...begun });
}

async function outcome(fetch: MtlsFetch, method: string, one: number): Promise<string> {
  const path = `/${one}`;
  const body = method === "PUT" || method === "POST" ? "x".repeat(1_000) : null;
  const headers: Record<string, string> = one % LAST_ON_CONNECTION === 0 ? { connection: "close" } : {};
  const response = await fetch(path, { method, body, headers });
  const said = await response.text();
  return said === (method === "HEAD" ? "" : path) ? "answered" : `${response.status} ${said.slice(0, 100)}`;
}

async function holdOne(method: string, path: string): Promise<void> {
  if (!kept) throw new Error("callers were not started");
  holdings[path] = await kept(path, { method, timeout: HELD_MS }).then(() => "answered", reasonOf);
}

function reasonOf(error: Error & { code?: string }): string {
  const causes = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  return `${error.code ?? ""} ${causes.join(" < ")}`;
}

const orders: Orders = {
  start: ({ params, callers: count }) => {
    running = true;
    const fetch = createMtlsFetch(params);
    kept = fetch;
    callers = Array.from({ length: count }, async () => {
      while (running) await call(fetch);
    });
  },
  tally: () => {
    const counted = tally;
    tally = fresh();
    return counted;
  },
  oldest: () => Math.min(...[...begins].map(({ begun }) => begun)),
  hold: ({ methods, count }) => {
    for (let one = 0; one < count; one++) for (const method of methods) void holdOne(method, `/held/${method}-${one}`);
  },
  holdings: () => holdings,
  stop: async () => {
    running = false;
    await Promise.all(callers);
  },
};

if (require.main === module) obey(orders);
