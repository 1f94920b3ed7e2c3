import { connect } from "node:net";
import { cipherName, STRONG_CODES, TLS13_CODES, WEAK_CODES } from "./ciphers";
import { offer, type Reply, type TlsVersion } from "./clientHello";
import { type Check, type Finding, failed, passed } from "./findings";
import type { Subject } from "./subject";

const VERSIONS: Check = { check: "tls-versions", what: "TLS 1.2 and 1.3 are served, and nothing older" };
const CIPHERS: Check = { check: "tls-ciphers", what: "only forward-secret AEAD ciphers are served" };
const PLAIN: Check = { check: "plain-http", what: "plain http is not served" };
export const PROTOCOLS = [VERSIONS, CIPHERS];
export const PLAIN_HTTP = [PLAIN];

const OLD: TlsVersion[] = ["SSL 3.0", "TLS 1.0", "TLS 1.1"];
/** A server that takes weak suites takes dozens; as many tell enough. */
const MOST_NAMED = 6;

/** What the server takes of what it is offered. */
export interface Protocols {
  old: TlsVersion[];
  tls12: string[];
  tls13: string[];
  weak: string[];
  /** Undefined when TLS 1.2, which says so in clear, is not served. */
  asksForCertificate?: boolean;
}

export async function protocolsOf(subject: Subject): Promise<Protocols> {
  const everything = [...STRONG_CODES, ...WEAK_CODES];
  const [old, strong, tls13, weak] = await Promise.all([
    Promise.all(OLD.map((version) => offer(subject, { version, ciphers: everything }))),
    acceptedOf(subject, "TLS 1.2", STRONG_CODES),
    acceptedOf(subject, "TLS 1.3", TLS13_CODES),
    acceptedOf(subject, "TLS 1.2", WEAK_CODES),
  ]);
  const asks = [...strong, ...weak].find(({ asksForCertificate }) => asksForCertificate !== undefined);
  return {
    old: OLD.filter((version, index) => old[index]?.version === version),
    tls12: namesOf(strong),
    tls13: namesOf(tls13),
    weak: namesOf(weak),
    ...(asks && { asksForCertificate: asks.asksForCertificate }),
  };
}

/** Offers again without what was taken, until nothing is. */
async function acceptedOf(subject: Subject, version: TlsVersion, ciphers: number[]): Promise<Reply[]> {
  const accepted: Reply[] = [];
  let left = ciphers;
  while (left.length > 0 && accepted.length <= MOST_NAMED) {
    const reply = await offer(subject, { version, ciphers: left });
    if (reply.kind !== "accepted" || reply.version !== version) break;
    accepted.push(reply);
    left = left.filter((code) => code !== reply.cipher);
  }
  return accepted;
}

const namesOf = (replies: Reply[]): string[] => replies.flatMap(({ cipher }) => (cipher ? [cipherName(cipher)] : []));

export function protocols({ old, tls12, tls13, weak }: Protocols): Finding[] {
  return [versions(old, tls12.length > 0 || weak.length > 0, tls13.length > 0), ciphers(tls12, tls13, weak)];
}

function versions(old: TlsVersion[], has12: boolean, has13: boolean): Finding {
  const served = [...old, ...(has12 ? ["TLS 1.2"] : []), ...(has13 ? ["TLS 1.3"] : [])].join(", ");
  if (old.length > 0) return failed(VERSIONS, "tls_old_versions", `it serves ${served}`);
  if (!has12 || !has13) return failed(VERSIONS, "tls_new_versions", `it serves ${served || "none that is known"}`);
  return passed(VERSIONS, `${OLD.join(", ")} refused`);
}

function ciphers(tls12: string[], tls13: string[], weak: string[]): Finding {
  if (weak.length > 0) {
    const more = weak.length > MOST_NAMED ? " and more" : "";
    return failed(CIPHERS, "tls_weak_ciphers", `it takes ${weak.slice(0, MOST_NAMED).join(", ")}${more}`);
  }
  const detail = `${tls12.length} with TLS 1.2, ${tls13.length} with TLS 1.3`;
  return { ...passed(CIPHERS, detail), seen: { "TLS 1.2": tls12, "TLS 1.3": tls13 } };
}

/** Milliseconds; a server that waits for TLS says nothing at all. */
const PLAIN_LIMIT_MS = 3_000;

/** The start of what is answered to http without TLS; empty when the connection is closed or nothing comes. */
export function plainAnswer({ host, port }: Subject): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, host, () =>
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(end, PLAIN_LIMIT_MS);
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      received += chunk;
      if (received.length > 16_384) end();
    });
    socket.on("end", end).on("close", end).on("error", end);
  });
}

export function plainHttp(answer: string): Finding {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
  if (status === undefined) return passed(PLAIN, "the connection is closed");
  if (/^x-mtls-proxy-error: *tls_required/im.test(answer)) return passed(PLAIN, `${status} tls_required`);
  // what every server answers to http on its TLS port
  if (status === "400") return passed(PLAIN, "400");
  return failed(PLAIN, "plain_http", `it answers http without TLS with ${status}`);
}
