import { clientCertificate, insiderOf, SERVER_CERTIFICATE, serverCertificate } from "./certificates";
import { CLOCK, clock } from "./clock";
import { DESTINATIONS, destinationOf } from "./destinations";
import { askEcho, EGRESS, egress } from "./egress";
import { type Check, type Finding, skipped } from "./findings";
import { PLAIN_HTTP, PROTOCOLS, plainAnswer, plainHttp, protocols, protocolsOf } from "./protocols";
import { type Reach, reachable, reachOf } from "./reach";
import { attemptsOn, REFUSALS, refusals } from "./refusals";
import { askStatus, readStatus, SERVICE, service } from "./service";
import type { Insider, Subject } from "./subject";

export interface VerifyOptions {
  /** Milliseconds from which on a destination's first byte is too late. */
  slowMs: number;
  /** A path at the proxy whose destination answers with the address that it sees. */
  echoPath?: string;
}

/** Asks everything that the proxy promises, and changes nothing. Every check has a finding, whatever happens. */
export async function verifyProxy(
  subject: Subject,
  options: VerifyOptions,
  progress: (text: string) => void,
): Promise<Finding[]> {
  progress(`connecting to ${subject.endpoint}`);
  const reach = await reachOf(subject);
  const outside = [clientCertificate(subject), reachable(subject, reach)];
  if (!reach.handshake) return [...outside, ...(await withoutTls(subject, reach))];

  progress("asking for every TLS version and cipher, and for http without TLS");
  const server = serverCertificate(subject, reach.handshake);
  const [seen, plain] = await Promise.all([protocolsOf(subject), plainAnswer(subject)]);
  progress("trying to come in with nothing, and with made-up certificates");
  const attempts = await attemptsOn(subject);
  const surface = [...server, ...protocols(seen), plainHttp(plain), ...refusals(seen, attempts)];

  const insider = insiderOf(subject, server);
  const inside = insider ? await asClient(insider, options, progress) : skippedAll(INSIDE, reasonOutside(subject));
  return [...outside, ...surface, ...inside, clock(attempts.nobody)];
}

/** What only the client can ask for. */
const INSIDE = [...SERVICE, DESTINATIONS, EGRESS];

const skippedAll = (checks: Check[], why: string): Finding[] => checks.map((check) => skipped(check, why));

async function withoutTls(subject: Subject, { ended }: Reach): Promise<Finding[]> {
  const plain = ended?.at === "tls" ? [plainHttp(await plainAnswer(subject))] : [];
  const rest = [
    ...SERVER_CERTIFICATE,
    ...PROTOCOLS,
    ...(plain.length > 0 ? [] : PLAIN_HTTP),
    ...REFUSALS,
    ...INSIDE,
    CLOCK,
  ];
  return [...plain, ...skippedAll(rest, ended?.at === "tls" ? "TLS failed" : "no connection")];
}

const reasonOutside = ({ client }: Subject): string =>
  client ? "the server is not to be trusted" : "the client's certificate and key cannot be used";

async function asClient(
  insider: Insider,
  { slowMs, echoPath }: VerifyOptions,
  progress: (text: string) => void,
): Promise<Finding[]> {
  progress("asking the proxy how it is");
  const reply = await askStatus(insider);
  const served = service(insider, reply);
  const status = readStatus(reply);
  if (!status) return [...served, ...skippedAll([DESTINATIONS, EGRESS], "the proxy does not serve the client")];
  progress(`asking ${status.destinations.map(({ name }) => name).join(", ")}`);
  const destinations = await Promise.all(status.destinations.map((one) => destinationOf(insider, one, slowMs)));
  return [...served, ...destinations, await egressOf(insider, echoPath)];
}

async function egressOf(insider: Insider, echoPath: string | undefined): Promise<Finding> {
  if (!echoPath) return skipped(EGRESS, "--echo-url names a path that tells it");
  return egress(insider, await askEcho(insider, echoPath));
}
