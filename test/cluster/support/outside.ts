/** What is outside a cluster's machines, in a network namespace of its own: AWS as each machine sees it, and a backend. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { type EmulatedAws, startAws } from "../../machine/support/secretsManager";
import { obey } from "../../support/orders";
import { OUTSIDE } from "./network";

/** Where a machine's AWS answers. */
export const awsPort = (machine: number): number => 8_000 + machine;

export interface Orders {
  /** Starts an AWS for each of so many machines. */
  aws: (machines: number) => Promise<void>;
  /** Puts a bundle into the secret that all of them read. */
  put: (base64: string) => void;
  lifecycle: (of: { machine: number; state: string }) => void;
  /** Names of the hooks that a machine said are done. */
  completed: (machine: number) => string[];
  backend: (options: { port: number; cert: string; key: string }) => Promise<void>;
  /** How many requests each machine has forwarded, by its address. */
  forwarded: (nothing: null) => Record<string, number>;
  /** From which machines requests for `/held/…` came, by path; none is answered before `release`. */
  held: (nothing: null) => Record<string, string[]>;
  release: (nothing: null) => void;
}

const machines: EmulatedAws[] = [];
const forwarded: Record<string, number> = {};
const held: Record<string, string[]> = {};
let [waiting, released]: [ServerResponse[], boolean] = [[], false];
/** As a quick backend answers. */
const ANSWERS_MS = 20;

const of = (machine: number): EmulatedAws => {
  const aws = machines[machine - 1];
  if (!aws) throw new Error(`there is no machine ${machine}`);
  return aws;
};

function hold(url: string, from: string, response: ServerResponse): void {
  held[url] = [...(held[url] ?? []), from];
  if (released) response.end(url);
  else waiting.push(response);
}

const orders: Orders = {
  aws: async (count) => {
    for (let machine = 1; machine <= count; machine++) {
      const aws = await startAws({ host: OUTSIDE, port: awsPort(machine) });
      aws.lifecycleState = "InService";
      machines.push(aws);
    }
  },
  put: (base64) => {
    for (const aws of machines) aws.put(Buffer.from(base64, "base64"));
  },
  lifecycle: ({ machine, state }) => {
    of(machine).lifecycleState = state;
  },
  completed: (machine) => of(machine).completed.map(({ hook }) => hook),
  backend: async ({ port, cert, key }) => {
    const server = createServer({ cert, key }, async (request, response) => {
      const from = request.socket.remoteAddress ?? "";
      forwarded[from] = (forwarded[from] ?? 0) + 1;
      request.resume();
      const { url = "" } = request;
      const bytes = /^\/bytes\/(\d+)$/.exec(url)?.[1];
      if (bytes) response.end(Buffer.alloc(Number(bytes)));
      else if (url.startsWith("/held/")) hold(url, from, response);
      else {
        await pause(ANSWERS_MS);
        response.end(url);
      }
    });
    server.keepAliveTimeout = 0; // a connection that the backend closes is not what is tested
    await once(server.listen(port, OUTSIDE), "listening");
  },
  forwarded: () => forwarded,
  held: () => held,
  release: () => {
    released = true;
    for (const response of waiting) response.end(response.req.url);
    waiting = [];
  },
};

if (require.main === module) obey(orders);
