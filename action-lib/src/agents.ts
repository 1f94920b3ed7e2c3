import type { Agent, AgentOptions } from "node:https";
import { checkServerIdentity, createSecureContext } from "node:tls";
import {
  type Credentials,
  type CredentialsOptions,
  checkedCredentials,
  type RawCredentials,
  rawCredentials,
} from "./credentials";
import { RENEW } from "./errors";
import { Pool } from "./pool";

/** What is made once per set of credentials and kept for the container's life. */
export interface Agents {
  credentials: Credentials;
  /** Keeps connections and TLS sessions. */
  kept: Pool;
  /** Never hands out a connection that was used before. */
  fresh: Pool;
}

export interface AgentsOptions extends CredentialsOptions {
  /** Told once per set of credentials when the client certificate has under 30 days left. Default: `console.warn`. */
  warn?: (message: string) => void;
}

/** An app has one set, or one per environment; callers who override inputs must not fill the memory with others. */
const MOST_SETS = 8;
const WARN_DAYS = 30;

/** Runtime runs up to 200 activations at once in a container, and HTTP/1.1 needs a connection for each. */
const MOST_SOCKETS = 256;
const MOST_IDLE_SOCKETS = 64;
/** Milliseconds. Above the 60 s that the proxy announces, because only then Node follows the announcement; below the 75 s that it keeps. */
const IDLE_TIMEOUT_MS = 65_000;

interface CacheEntry {
  raw: RawCredentials;
  agents: Agents;
}

let cache: CacheEntry[] = [];

/**
 * An `https.Agent` for node-fetch, axios, got or `https.request` that presents the client certificate and trusts the proxy's CA alone.
 * It is made once per set of credentials and then kept with its connections, so calling this in every activation is right.
 *
 * @param params - the action's params
 * @throws {CredentialsError} as `credentials` does
 */
export function createMtlsAgent(params: object, options: AgentsOptions = {}): Agent {
  return agentsFor(params, options).kept;
}

export function agentsFor(params: object, options: AgentsOptions): Agents {
  const raw = rawCredentials(params, options);
  const entry = cache.find((known) => isSame(known.raw, raw)) ?? newEntry(raw, options);
  entry.agents.credentials.checkDates();
  if (entry !== cache[0]) cache = [entry, ...cache.filter((other) => other !== entry)].slice(0, MOST_SETS);
  return entry.agents;
}

/** Comparing is cheaper than hashing ten kilobytes of PEM for every call. */
const isSame = (one: RawCredentials, other: RawCredentials): boolean =>
  one.endpoint === other.endpoint && one.cert === other.cert && one.key === other.key && one.ca === other.ca;

function newEntry(raw: RawCredentials, { warn = console.warn }: AgentsOptions): CacheEntry {
  const credentials = checkedCredentials(raw);
  if (credentials.daysLeft < WARN_DAYS) warn(expiryWarning(credentials));
  return { raw, agents: { credentials, ...agentsOf(credentials) } };
}

const expiryWarning = ({ daysLeft, validTo }: Credentials): string =>
  `app-builder-mtls: the client certificate ends in ${daysLeft} days, on ${validTo.toISOString().slice(0, 10)}. ${RENEW}`;

function agentsOf({ cert, key, ca }: Credentials): Pick<Agents, "kept" | "fresh"> {
  const tls: AgentOptions = {
    // A context, because an agent's options end up in logs and its socket names, and a context does not show its key.
    secureContext: createSecureContext({ cert, key, ca, minVersion: "TLSv1.2" }),
    // What an agent sets, neither a request nor NODE_TLS_REJECT_UNAUTHORIZED can undo.
    rejectUnauthorized: true,
    checkServerIdentity,
    minVersion: "TLSv1.2",
  };
  return {
    kept: new Pool({
      ...tls,
      keepAlive: true,
      maxSockets: MOST_SOCKETS,
      maxFreeSockets: MOST_IDLE_SOCKETS,
      timeout: IDLE_TIMEOUT_MS,
    }),
    // Unbounded: below a bound Node hands connections on to waiting requests, and each of these has one behind it in `kept`.
    fresh: new Pool({ ...tls, keepAlive: false }),
  };
}
