import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isIP, type Socket, connect as tcpConnect } from "node:net";
import { type DetailedPeerCertificate, type TLSSocket, connect as tlsConnect } from "node:tls";
import type { Fault } from "./faults";
import { type Check, type Finding, failed, passed } from "./findings";
import { type Subject, serverNameOf } from "./subject";

/** How far a connection comes, with the milliseconds of each leg. */
export interface Reach {
  addresses: string[];
  measured: Record<string, number>;
  /** Where it ended, if it did not come through. */
  ended?: { at: "name" | "tcp" | "tls"; error: string };
  handshake?: Handshake;
}

/** What the server showed of itself, whatever it is worth. */
export interface Handshake {
  certificate: DetailedPeerCertificate;
  /** OpenSSL's word on the chain to the given CA; undefined when it holds. */
  chainError?: string;
  protocol: string;
}

/** Milliseconds for each leg. */
const LEG_MS = 10_000;

/** Presents nothing and believes nothing: the certificate is judged afterwards. */
export async function reachOf(subject: Subject): Promise<Reach> {
  const reach: Reach = { addresses: [], measured: {} };
  const leg = async <Result>(at: "name" | "tcp" | "tls", step: () => Promise<Result>): Promise<Result | undefined> => {
    const started = performance.now();
    try {
      return await step();
    } catch (error) {
      reach.ended = { at, error: codeOf(error) };
      return undefined;
    } finally {
      reach.measured[`${at}Ms`] = Math.round(performance.now() - started);
    }
  };
  const addresses = await leg("name", () => addressesOf(subject.host));
  if (!addresses) return reach;
  reach.addresses = addresses;
  const socket = await leg("tcp", () => tcp(subject));
  if (!socket) return reach;
  reach.handshake = await leg("tls", () => tls(subject, socket));
  socket.destroy();
  return reach;
}

async function addressesOf(host: string): Promise<string[]> {
  return isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address);
}

async function tcp({ host, port }: Subject): Promise<Socket> {
  const socket = tcpConnect(port, host);
  await within(socket, "connect");
  return socket;
}

async function tls(subject: Subject, socket: Socket): Promise<Handshake> {
  const secured: TLSSocket = tlsConnect({
    socket,
    servername: serverNameOf(subject) ?? "",
    ...(subject.ca && { ca: subject.ca }),
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined, // the name is a check of its own
    minVersion: "TLSv1",
    ciphers: "DEFAULT@SECLEVEL=0", // what is weak is to be told, not to be met with silence
  });
  await within(secured, "secureConnect");
  const chainError = secured.authorizationError as unknown;
  return {
    certificate: secured.getPeerCertificate(true),
    ...(chainError ? { chainError: String(chainError) } : {}),
    protocol: secured.getProtocol() ?? "",
  };
}

async function within(socket: Socket, event: string): Promise<void> {
  const limit = AbortSignal.timeout(LEG_MS);
  const closed = once(socket, "close", { signal: limit }).then(() => {
    throw Object.assign(new Error("closed"), { code: "CLOSED" });
  });
  closed.catch(() => undefined);
  try {
    await Promise.race([once(socket, event, { signal: limit }), closed]);
  } catch (error) {
    socket.on("error", () => undefined).destroy();
    throw error;
  }
  socket.on("error", () => undefined);
}

function codeOf(error: unknown): string {
  if (error instanceof Error && error.name === "AbortError") return "TIMEOUT";
  return (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
}

const REACHABLE: Check = { check: "reachable", what: "the endpoint answers with TLS" };

/** What OpenSSL says of bytes that are no TLS; its other words are about TLS that failed. */
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/;

const faultOf = (error: string): Fault => (/^ERR_SSL_/.test(error) && !NO_TLS.test(error) ? "tls_refused" : "no_tls");

const UNREACHED: Record<string, Fault> = { ECONNREFUSED: "nothing_listens" };

export function reachable({ endpoint }: Subject, { addresses, measured, ended }: Reach): Finding {
  if (!ended) {
    const { nameMs = 0, tcpMs = 0, tlsMs = 0 } = measured;
    return passed(REACHABLE, `${addresses.join(", ")}: name ${nameMs} ms, TCP ${tcpMs} ms, TLS ${tlsMs} ms`, measured);
  }
  const { at, error } = ended;
  if (at === "name")
    return failed(REACHABLE, "name_unknown", `${endpoint}: the name has no address (${error})`, measured);
  if (at === "tls")
    return failed(REACHABLE, faultOf(error), `${endpoint}: connected, but TLS failed (${error})`, measured);
  return failed(
    REACHABLE,
    UNREACHED[error] ?? "no_route",
    error === "TIMEOUT"
      ? `${endpoint}: no connection within ${LEG_MS / 1000} s`
      : `${endpoint}: no connection (${error})`,
    measured,
  );
}
