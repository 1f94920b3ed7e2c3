/** What is outside a booted machine, in a network namespace of its own: AWS, and callers. Driven by messages from the test. */
import { once } from "node:events";
import { createServer } from "node:https";
import { obey } from "../../support/orders";
import { type Load, startLoad, type Target } from "./load";
import { type Answer, ask } from "./machine";
import { type EmulatedAws, startAws } from "./secretsManager";

/** What the test may ask for; each is answered with its result. */
export interface Orders {
  userData: (base64: string) => void;
  put: (base64: string) => void;
  /** What the auto scaling group makes of the machine from now on. */
  lifecycle: (state: string) => void;
  /** Names of the lifecycle hooks that the group was told are done. */
  completed: (nothing: null) => string[];
  ask: (call: { host: string; port: number; path: string; ca: string; cert: string; key: string }) => Promise<Answer>;
  makeLogGroup: (name: string) => void;
  /** What CloudWatch has got: the lines of a log group, and the values of each minute. */
  reported: (logGroup: string) => { lines: string[]; numbers: Record<string, number>[] };
  /** Starts an https backend at this end of the cable. */
  backend: (options: { port: number; cert: string; key: string }) => Promise<void>;
  startLoad: (target: Target) => void;
  /** How many calls the load has made. */
  calls: (nothing: null) => number;
  /** Ends the load; what it came to. */
  stopLoad: (nothing: null) => Promise<Pick<Load, "calls" | "failures"> & { slowest: number }>;
}

let load: Load | undefined;

const ordersOf = (aws: EmulatedAws): Orders => ({
  userData: (base64) => {
    aws.userData = Buffer.from(base64, "base64");
  },
  put: (base64) => aws.put(Buffer.from(base64, "base64")),
  lifecycle: (state) => {
    aws.lifecycleState = state;
  },
  completed: () => aws.completed.map(({ hook }) => hook),
  ask: ({ host, port, path, ca, cert, key }) => ask(port, path, { cert: ca, key: "" }, { cert, key }, host),
  makeLogGroup: (name) => {
    aws.cloudWatch.groups.set(name, new Map());
  },
  reported: (logGroup) => ({
    lines: aws.cloudWatch.lines(logGroup),
    numbers: aws.cloudWatch.numbers.map(({ values }) => values),
  }),
  backend: async ({ port, cert, key }) => {
    const server = createServer({ cert, key }, (request, response) => {
      request.resume().on("end", () => response.end("from the backend"));
    });
    server.keepAliveTimeout = 0; // a connection that the backend closes is not what is tested
    await once(server.listen(port), "listening");
  },
  startLoad: (target) => {
    load = startLoad(target);
  },
  calls: () => Object.values(load?.calls ?? {}).reduce((sum, count) => sum + count, 0),
  stopLoad: async () => {
    if (!load) throw new Error("no load runs");
    await load.stop();
    const { calls, failures, slowest } = load;
    return { calls, failures, slowest: slowest() };
  },
});

async function main(): Promise<void> {
  obey(ordersOf(await startAws({ host: "0.0.0.0", port: 80, requiresToken: false })));
}

if (require.main === module) void main();
