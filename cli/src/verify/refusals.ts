import { type CertificateProfile, STATUS_PATH } from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../certificates";
import { type Answer, ask, isAnswer, type NoAnswer, proxyCodeOf } from "./exchange";
import type { Fault } from "./faults";
import { type Check, type Finding, failed, passed, skipped } from "./findings";
import type { Protocols } from "./protocols";
import { type Subject, subjectOf } from "./subject";

const ASKS: Check = { check: "asks-for-certificate", what: "the handshake asks for a client certificate" };
const NOBODY: Check = { check: "refuses-nobody", what: "refuses a caller without a certificate" };
const STRANGER: Check = { check: "refuses-stranger", what: "refuses a certificate of another CA" };
const TWIN: Check = { check: "refuses-twin", what: "refuses a certificate of a CA of the same name" };
const OLD: Check = { check: "refuses-old-generation", what: "refuses the old generation" };
export const REFUSALS = [ASKS, NOBODY, STRANGER, TWIN, OLD];

/** Who tries to come in, and what each is told. */
export interface Attempts {
  nobody: Answer | NoAnswer;
  stranger: Answer | NoAnswer;
  twin: Answer | NoAnswer;
  old?: Answer | NoAnswer;
}

/**
 * Made-up certificates only, so the server need not be trusted for them. The old generation's is real, but its key
 * never leaves this machine either.
 */
export async function attemptsOn(subject: Subject): Promise<Attempts> {
  const { stranger, twin } = await intruders(subject);
  const knock = (client?: Issued) => ask(subject, { path: STATUS_PATH, client });
  const [nobody, asStranger, asTwin, old] = await Promise.all([
    knock(),
    knock(stranger),
    knock(twin),
    subject.old && knock(subject.old),
  ]);
  return { nobody, stranger: asStranger, twin: asTwin, ...(old && { old }) };
}

/** Both claim to be the client; one has an unknown CA, one a CA with the name of the stack's. */
async function intruders({ client, ca }: Subject): Promise<{ stranger: Issued; twin: Issued }> {
  const identity = client ? subjectOf(client.cert) : { organizationalUnit: "generation 1", commonName: "app-builder" };
  const nameOfCa = ca ? subjectOf(ca) : { organizationalUnit: "generation 1", commonName: "app-builder-mtls CA" };
  const impostor = async (caName: CertificateProfile["subject"]) =>
    issue(leaf(identity), { issuer: await issue(authority(caName)) });
  const [stranger, twin] = await Promise.all([
    impostor({ organizationalUnit: "nobody", commonName: "mtls-proxy verify" }),
    impostor(nameOfCa),
  ]);
  return { stranger, twin };
}

const SHORT_LIVED = { keyAlgorithm: "ECDSA-P256", lifetimeDays: 2, renewDays: 0 } as const;

const authority = (subject: CertificateProfile["subject"]): CertificateProfile => ({
  ...SHORT_LIVED,
  subject,
  isCa: true,
  usages: ["cert_signing"],
});

const leaf = (subject: CertificateProfile["subject"]): CertificateProfile => ({
  ...SHORT_LIVED,
  subject,
  isCa: false,
  usages: ["digital_signature", "client_auth"],
});

export function refusals({ asksForCertificate }: Protocols, attempts: Attempts): Finding[] {
  return [
    asks(asksForCertificate),
    refusal(NOBODY, attempts.nobody, "no_client_verification"),
    refusal(STRANGER, attempts.stranger, "stranger_admitted"),
    refusal(TWIN, attempts.twin, "twin_admitted"),
    attempts.old ? oldGeneration(attempts.old) : skipped(OLD, "--old-cert and --old-key have one tried"),
  ];
}

function asks(asksForCertificate: boolean | undefined): Finding {
  if (asksForCertificate === undefined) return skipped(ASKS, "TLS 1.3 hides it, and TLS 1.2 is not served");
  if (!asksForCertificate) return failed(ASKS, "no_client_verification", "it does not ask for one");
  return passed(ASKS, "it does");
}

function oldGeneration(reply: Answer | NoAnswer): Finding {
  if (isAnswer(reply) && proxyCodeOf(reply) === "client_certificate_expired") {
    return skipped(
      OLD,
      "the certificate given is expired, which is why it is refused: it proves nothing about generations",
    );
  }
  return refusal(OLD, reply, "old_generation_admitted");
}

/** What a server says that refuses, but is not the proxy. */
const REFUSING = new Set([400, 401, 403]);

/** A refusal is the proxy's 403, or an end of the connection; anything else let the caller in. */
function refusal(check: Check, reply: Answer | NoAnswer, fault: Fault): Finding {
  if (!isAnswer(reply)) {
    if (reply.error === "TIMEOUT") return failed(check, "no_answer", "no answer in time");
    return passed(check, `the connection is ended (${reply.error})`);
  }
  const code = proxyCodeOf(reply);
  if (code === "address_not_listed")
    return skipped(check, "this machine's address is refused, whatever certificate comes from it");
  if (code && reply.status === 403) return passed(check, `403 ${code}`);
  if (code === "rate_limited") return failed(check, "no_answer", "429 rate_limited, before the question was looked at");
  if (!code && REFUSING.has(reply.status)) {
    return failed(check, "not_the_proxy", `it is refused with ${reply.status}, but not in the proxy's words`);
  }
  return failed(check, fault, `it is answered with ${reply.status}${code ? ` ${code}` : ""}`);
}
