import { type Agents, type AgentsOptions, agentsFor } from "./agents";
import { connectionError, timeoutError } from "./connection-error";
import { activationDeadline, callLimit } from "./deadline";
import { refuseForeignRedirect, urlAt } from "./endpoint";
import type { Pool } from "./pool";
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
  url: string;
  init: MtlsRequestInit;
  /** Milliseconds. */
  limit: number;
  throwProxyErrors: boolean | undefined;
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
  const { timeout, throwProxyErrors } = options;
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const url = urlAt(agents.credentials.endpoint, input);
      const limit = callLimit(init.timeout ?? timeout, deadline);
      answer({ agents, url, init, limit, throwProxyErrors }, resolve, reject);
    });
}

/**
 * The call, in time, and, where the rule allows it, its one repeat. The limit holds for the body too: an unread one would keep its connection for ever.
 * By callbacks, because each promise in between costs every call some microseconds (our measurement).
 */
function answer(call: Call, resolve: (response: Response) => void, reject: (error: unknown) => void): void {
  const { agents, init, limit } = call;
  const { endpoint } = agents.credentials;
  let trip = new Trip();
  let body: Response["body"] | undefined;
  let late: Error | undefined;

  const timer = setTimeout(() => {
    late = timeoutError(limit, endpoint, trip.isConnecting);
    reject(late);
    // The body first: it takes the request's end for a premature one.
    if (body && "destroy" in body && typeof body.destroy === "function") body.destroy(late);
    trip.request?.destroy(late);
  }, limit);
  const stop = () => clearTimeout(timer);

  const succeed = (response: Response) => {
    body = response.body;
    trip.whenClosed(stop);
    const reason = call.throwProxyErrors ? proxyReason(response) : undefined;
    if (reason === undefined) return resolve(response);
    response.body?.resume();
    reject(new ProxyError(reason, response.status));
  };
  const fail = (error: unknown) => {
    stop();
    reject(connectionError(trip.error, endpoint) ?? error);
  };
  const again = () => {
    if (late) return;
    trip = new Trip();
    send(call, agents.fresh, trip).then(succeed, fail);
  };

  send(call, agents.kept, trip).then(
    (response) => {
      if (!mayRepeatUnsent(init, proxyReason(response))) return succeed(response);
      response.body?.resume();
      again();
    },
    (error: unknown) => (mayRepeatFailed(init, trip) ? again() : fail(error)),
  );
}

/** Not at the top: see node-fetch.ts. */
let loaded: typeof import("./node-fetch") | undefined;

function send({ agents, url, init }: Call, pool: Pool, trip: Trip): Promise<Response> {
  loaded ??= require("./node-fetch") as typeof import("./node-fetch");
  return loaded.nodeFetch(url, {
    ...init,
    // node-fetch asks for the agent of every hop, so this is where a redirect is refused.
    agent: (target) => {
      refuseForeignRedirect(agents.credentials.endpoint, target);
      // Of a call that has ended node-fetch makes no request, and the next one would be somebody else's.
      return init.signal?.aborted ? pool : pool.for(trip);
    },
  });
}
