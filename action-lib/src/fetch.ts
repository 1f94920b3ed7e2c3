import { type Agents, type AgentsOptions, agentsFor } from "./agents";
import { connectionError, timeoutError } from "./connection-error";
import { activationDeadline, callLimit } from "./deadline";
import { refuseForeignRedirect, urlAt } from "./endpoint";
import { ProxyError, proxyReason } from "./proxy-error";
import { mayRepeatFailed, mayRepeatUnsent } from "./repeat";
import { Trip } from "./trip";

// node-fetch is an ES module; without the mode, programs in CommonJS could not use these types.
type NodeFetch = typeof import("node-fetch", { with: { "resolution-mode": "import" }});
type RequestInit = NonNullable<Parameters<NodeFetch["default"]>[1]>;
type Response = InstanceType<NodeFetch["Response"]>;

export interface MtlsFetchOptions extends AgentsOptions {
  /** Milliseconds that a call may take with its body, unless it says otherwise. Default: 55,000. Never past the activation's deadline. */
  timeout?: number;
  /** Throws a `ProxyError` for an answer that is the proxy's own, so that it cannot be taken for the backend's. Default: false. */
  throwProxyErrors?: boolean;
}

/** node-fetch's options but for `agent`, and two more. */
export interface MtlsRequestInit extends Omit<RequestInit, "agent"> {
  /** Milliseconds that this call may take with its body. Never past the activation's deadline. */
  timeout?: number;
  /** Whether the backend may get this request twice, should its connection be lost before an answer. Default: true for GET, HEAD, OPTIONS, PUT and DELETE. */
  repeatable?: boolean;
}

/**
 * @param url - a path such as `/path?param=value`, or a URL at the endpoint
 * @returns node-fetch's Response
 * @throws {UrlError} for what is not at the endpoint
 * @throws {ConnectionError} when no answer came
 * @throws {ProxyError} when the answer is the proxy's own, with `throwProxyErrors`
 */
export type MtlsFetch = (url: string | URL, init?: MtlsRequestInit) => Promise<Response>;

interface Call {
  agents: Agents;
  url: URL;
  init: MtlsRequestInit;
}

/**
 * A fetch that goes to the proxy and nowhere else, over mutual TLS, on connections that are kept between activations.
 * Call it in every activation, before the first `await`: it reads the activation's deadline.
 *
 * @param params - the action's params
 * @throws {CredentialsError} as `credentials` does
 */
export function createMtlsFetch(params: object, options: MtlsFetchOptions = {}): MtlsFetch {
  const agents = agentsFor(params, options);
  const deadline = activationDeadline();
  return async (input, init = {}) => {
    const url = urlAt(agents.credentials.endpoint, input);
    const limit = callLimit(init.timeout ?? options.timeout, deadline);
    const response = await inTime({ agents, url, init }, limit);
    if (options.throwProxyErrors) throwProxyError(response);
    return response;
  };
}

function throwProxyError(response: Response): void {
  const reason = proxyReason(response);
  if (reason === undefined) return;
  response.body?.resume();
  throw new ProxyError(reason, response.status);
}

/** The limit holds for the body too: an unread one would keep its connection for ever. */
function inTime(call: Call, limit: number): Promise<Response> {
  const { endpoint } = call.agents.credentials;
  return new Promise((resolve, reject) => {
    let trip: Trip | undefined;
    let body: Response["body"] | undefined;
    let late: Error | undefined;
    const timer = setTimeout(() => {
      late = timeoutError(limit, endpoint, trip?.isConnecting ?? true);
      reject(late);
      // The body first: it takes the request's end for a premature one.
      if (body && "destroy" in body && typeof body.destroy === "function") body.destroy(late);
      trip?.request?.destroy(late);
    }, limit);
    const stop = () => clearTimeout(timer);

    exchange(call, (next) => {
      if (late) throw late;
      trip = next;
    }).then(
      (response) => {
        body = response.body;
        trip?.whenClosed(stop);
        resolve(response);
      },
      (error: unknown) => {
        stop();
        reject(connectionError(trip?.error, endpoint) ?? error);
      },
    );
  });
}

/** The call and, where the rule allows it, its one repeat. */
async function exchange(call: Call, follow: (trip: Trip) => void): Promise<Response> {
  const first = new Trip(call.agents.kept);
  follow(first);
  try {
    const response = await send(call, first);
    if (!mayRepeatUnsent(call.init, proxyReason(response))) return response;
    response.body?.resume();
  } catch (error) {
    if (!mayRepeatFailed(call.init, first)) throw error;
  }
  const second = new Trip(call.agents.fresh);
  follow(second);
  return send(call, second);
}

/** Not at the top: see node-fetch.ts. */
let loaded: typeof import("./node-fetch") | undefined;

function send({ agents, url, init }: Call, trip: Trip): Promise<Response> {
  loaded ??= require("./node-fetch") as typeof import("./node-fetch");
  return loaded.nodeFetch(url, {
    ...init,
    // node-fetch asks for the agent of every hop, so this is where a redirect is refused.
    agent: (target) => {
      refuseForeignRedirect(agents.credentials.endpoint, target);
      return trip.agent;
    },
  });
}
