import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { createMtlsAgent, createMtlsFetch, type MtlsFetch } from "../../../action-lib/src";
import { CALLERS, type Left, type Losses, type Round, type Tally } from "./rounds";

// A process of callers, run with --expose-gc. The first line on stdin holds the params; each further one is a round, answered with its tally.

/** One in five may not be repeated. */
const METHODS = ["GET", "PUT", "POST", "HEAD", "DELETE"];

let calls = 0;

async function serve(): Promise<void> {
  let params: object | undefined;
  for await (const line of createInterface(process.stdin)) {
    if (params === undefined) params = JSON.parse(line) as object;
    else console.log(JSON.stringify(await tallyOf(params, JSON.parse(line) as Round)));
  }
}

async function tallyOf(params: object, { calls: wanted, idle = { callers: 0, ms: [0, 0] } }: Round): Promise<Tally> {
  const losses: Losses = {};
  const each = Math.ceil(wanted / CALLERS);
  const begun = calls;
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      if (caller < idle.callers) await pause(spread(idle.ms, caller / idle.callers));
      for (let done = 0; done < each; done++) await one(createMtlsFetch(params), losses);
    }),
  );
  return { calls: calls - begun, losses, left: await leftBehind(params) };
}

const spread = ([from, to]: [from: number, to: number], part: number): number => from + (to - from) * part;

async function one(fetch: MtlsFetch, losses: Losses): Promise<void> {
  const number = calls++;
  const method = METHODS[number % METHODS.length] ?? "GET";
  const outcome = await outcomeOf(fetch, method, `/${number}`).catch(reasonOf);
  if (outcome === "answered") return;
  losses[method] ??= {};
  losses[method][outcome] = (losses[method][outcome] ?? 0) + 1;
}

/** The backend answers with the path, so that no call can have had another's answer. */
async function outcomeOf(fetch: MtlsFetch, method: string, path: string): Promise<string> {
  const response = await fetch(path, { method, body: method === "PUT" || method === "POST" ? "body" : undefined });
  const text = await response.text();
  return text === (method === "HEAD" ? "" : path) ? "answered" : `${response.status} ${text.slice(0, 80)}`;
}

const reasonOf = (error: Error & { code?: string }): string => error.code ?? String(error);

async function leftBehind(params: object): Promise<Left> {
  const agent = createMtlsAgent(params);
  // What a call leaves to the end of its turn, such as a connection's way back into the pool, is no leak.
  await pause(50);
  global.gc?.();
  const idle = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
  const listeners = [agent, ...idle].map((each) =>
    each.eventNames().reduce((sum, name) => sum + each.listenerCount(name), 0),
  );
  return {
    heapBytes: process.memoryUsage().heapUsed,
    connections: process.getActiveResourcesInfo().filter((name) => /TLS|TCP/.test(name)).length,
    mostListeners: Math.max(...listeners),
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  };
}

serve();
