import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bundle, packBundle } from "@app-builder-mtls/proxy";
import type { Nginx } from "../../../cli/src/nginx";
import { makeStack } from "../../machine/support/bundles";
import { FLEET_FILES } from "../../machine/support/member";
import { issueCa, issueServer } from "../../support/certificates";
import { type Helper, startInside } from "../../support/orders";
import { until } from "../../support/until";
import { type Balancer, startBalancer } from "./balancer";
import type { Orders as CallersOrders } from "./callers";
import type { Credentials } from "./loads";
import { type ClusterMachine, startClusterMachine } from "./machine";
import { BALANCER, makeNetwork, type Network, OUTSIDE } from "./network";
import type { Orders as OutsideOrders } from "./outside";

/** A fleet on one machine: namespaces with the real proxy, behind a real load balancer, called through the library. */
export interface Cluster extends AsyncDisposable {
  network: Network;
  balancer: Balancer;
  outside: Helper<OutsideOrders>;
  callers: Helper<CallersOrders>;
  /** What an action is given. */
  params: object;
  credentials: Credentials;
  machine(number: number): ClusterMachine;
  /** @param limits in place of none, without which the load would soon be refused */
  publish(limits?: Record<string, number>): Promise<Bundle>;
  /** A machine boots, joins by its own word, and is sent callers once the balancer finds it well. */
  join(number: number): Promise<void>;
}

const BACKEND_PORT = 8_443;
const JOINS_MS = 90_000;
/** Longer than the balancer needs to find a machine dead. */
const HELD_SECONDS = 150;
/** Seconds. The balancer here sends nobody more from the moment that it is told, where AWS's takes two minutes. */
const TIMES = { look: 0.5, unheard: 5, waiting: 900 };
const NO_LIMITS = {
  requestsPerSecondPerClient: 0,
  requestsPerSecondPerAddress: 0,
  concurrentRequestsPerClient: 0,
  concurrentRequestsPerAddress: 0,
};

/** @param most how many machines there may ever be; none has joined yet */
export async function startCluster(most: number, nginx: Nginx): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), "mtls-proxy-cluster-"));
  const ends: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
  const end = async () => {
    for (const one of ends.reverse()) await one();
  };
  try {
    const network = makeNetwork(most);
    ends.push(() => network[Symbol.asyncDispose]());
    const outside = await startInside<OutsideOrders>(network.outside, join(__dirname, "outside.ts"));
    ends.push(outside.stop);
    const callers = await startInside<CallersOrders>(network.outside, join(__dirname, "callers.ts"));
    ends.push(callers.stop);
    const balancer = await startBalancer(network.outside, directory, most);
    ends.push(() => balancer[Symbol.asyncDispose]());

    const backendCa = await issueCa();
    const backend = await issueServer(backendCa, { names: [OUTSIDE, "backend.test"] });
    await outside.order("backend", { port: BACKEND_PORT, ...backend });
    await outside.order("aws", most);
    const url = `https://${OUTSIDE}:${BACKEND_PORT}`;
    const backendOf = { name: "backend", url, serverName: "backend.test", ca: backendCa.cert };
    const destinations = [{ ...backendOf, readTimeoutSeconds: HELD_SECONDS }];
    const stack = await makeStack({ port: 443, destinations }, nginx.version);
    const server = await stack.issueServer({ names: [BALANCER, "127.0.0.1"] });
    const client = await stack.client("app-builder");

    const machines = new Map<number, ClusterMachine>();
    ends.push(() => Promise.all([...machines.values()].map((machine) => machine[Symbol.asyncDispose]())));
    const machine = (number: number): ClusterMachine => {
      const found = machines.get(number);
      if (!found) throw new Error(`machine ${number} was never started`);
      return found;
    };
    return {
      network,
      balancer,
      outside,
      callers,
      params: {
        __AIO_MTLS_ENDPOINT: `https://${BALANCER}`,
        __AIO_MTLS_CERT: client.cert,
        __AIO_MTLS_KEY: client.key,
        __AIO_MTLS_CA: stack.ca.cert,
      },
      credentials: { cert: client.cert, key: client.key, ca: stack.ca.cert },
      machine,
      publish: async (limits) => {
        const own = { ...FLEET_FILES, "server.crt": server.cert, "server.key": server.key };
        const bundle = stack.bundle({ limits: { ...NO_LIMITS, ...limits } }, own, { health: true });
        await outside.order("put", packBundle(bundle).toString("base64"));
        return bundle;
      },
      join: async (number) => {
        machines.set(number, startClusterMachine(network, number, { nginx, directory, times: TIMES }));
        await until(async () => (await outside.order("completed", number)).includes("serving"), JOINS_MS);
        await balancer.register(number);
        await until(() => balancer.isUp(number), JOINS_MS);
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
