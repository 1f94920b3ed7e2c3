import { X509Certificate } from "node:crypto";
import { checkServerIdentity, type DetailedPeerCertificate } from "node:tls";
import { type Check, type Finding, failed, passed, skipped, warned } from "./findings";
import type { Handshake } from "./reach";
import { type Insider, type Subject, subjectOf } from "./subject";

const DAY_MS = 24 * 60 * 60 * 1000;
/** As the library warns. A leaf is due for renewal, by any `pulumi up`, in its last 60 days. */
export const WARN_DAYS = 30;
/** The proxy refuses a client certificate in its last day: nginx counts whole days. */
const LAST_DAY = 1;
/** NIST SP 800-131A: shorter RSA keys are disallowed. */
const RSA_BITS = 2048;

const CLIENT_CERTIFICATE: Check = { check: "client-certificate", what: "the client certificate is good" };
const SERVER_CHAIN: Check = { check: "server-chain", what: "the proxy's certificate is of the stack's CA" };
const SERVER_NAME: Check = { check: "server-name", what: "the proxy's certificate names the endpoint" };
const SERVER_DAYS: Check = { check: "server-days", what: "the proxy's certificate lasts, with a strong key" };
export const SERVER_CERTIFICATE = [SERVER_CHAIN, SERVER_NAME, SERVER_DAYS];

const RENEW = "Type: pulumi up, then: mtls-proxy env, and deploy the app.";

/** The client's own certificate, judged as an action would judge it. */
export function clientCertificate({ client, complaint }: Subject): Finding {
  if (complaint) {
    const fault = complaint.code === "ERR_MTLS_EXPIRED" ? "credentials_expired" : "credentials_unusable";
    return failed(CLIENT_CERTIFICATE, fault, `${complaint.code}: ${complaint.message}`);
  }
  if (!client) return failed(CLIENT_CERTIFICATE, "credentials_unusable", "certificate and key cannot be read");
  const certificate = new X509Certificate(client.cert);
  const { commonName, organizationalUnit } = subjectOf(client.cert);
  const days = daysUntil(certificate.validTo);
  const detail = `${commonName}, ${organizationalUnit}; ${inDays(days)}; ${keyOf(certificate)}`;
  if (days < LAST_DAY) {
    return failed(CLIENT_CERTIFICATE, "credentials_expired", `${detail}; the proxy refuses it in its last day`, {
      days,
    });
  }
  if (days < WARN_DAYS) return warned(CLIENT_CERTIFICATE, detail, RENEW, { days });
  return passed(CLIENT_CERTIFICATE, detail, { days });
}

/** Who may ask as the client, if it may: the library would not speak to a server that fails here either. */
export function insiderOf({ ca, client, ...rest }: Subject, server: Finding[]): Insider | undefined {
  const isTrusted = server.every(({ outcome, fault }) => outcome !== "failed" || fault === "server_key_weak");
  return ca && client && isTrusted ? { ...rest, ca, client } : undefined;
}

export function serverCertificate(subject: Subject, handshake: Handshake): Finding[] {
  return [chain(subject, handshake), name(subject, handshake), days(handshake)];
}

/** Its dates are a check of their own. */
const OF_DATES = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

function chain({ ca }: Subject, { certificate, chainError }: Handshake): Finding {
  if (!ca) return skipped(SERVER_CHAIN, "the CA in the credentials cannot be read");
  const { issuer } = certificate;
  if (chainError && !OF_DATES.has(chainError)) {
    return failed(
      SERVER_CHAIN,
      "server_foreign",
      `it was issued by ${described(issuer)}, to ${described(certificate.subject)} (${chainError})`,
    );
  }
  return passed(SERVER_CHAIN, `issued by ${described(issuer)}`);
}

function name({ host }: Subject, { certificate }: Handshake): Finding {
  const names = (certificate.subjectaltname ?? "none").replaceAll("IP Address:", "").replaceAll("DNS:", "");
  if (checkServerIdentity(host, certificate)) {
    return failed(SERVER_NAME, "server_name", `it names ${names}, and not ${host}`);
  }
  return passed(SERVER_NAME, `it names ${names}`);
}

function days({ certificate }: Handshake): Finding {
  const parsed = new X509Certificate(certificate.raw);
  const left = daysUntil(parsed.validTo);
  const detail = `${inDays(left)}; ${keyOf(parsed)}`;
  const measured = { days: left };
  if (Date.parse(parsed.validTo) <= Date.now()) return failed(SERVER_DAYS, "server_expired", detail, measured);
  if (Date.parse(parsed.validFrom) > Date.now()) {
    return failed(SERVER_DAYS, "server_not_yet_valid", `it is valid only from ${isoDate(parsed.validFrom)}`, measured);
  }
  if (isWeak(parsed)) return failed(SERVER_DAYS, "server_key_weak", detail, measured);
  if (left < WARN_DAYS) return warned(SERVER_DAYS, detail, "Type: pulumi up, which renews the certificate.", measured);
  return passed(SERVER_DAYS, detail, measured);
}

const daysUntil = (end: string): number => Math.floor((Date.parse(end) - Date.now()) / DAY_MS);

const inDays = (days: number): string => (days < 0 ? `ended ${-days} days ago` : `${days} days left`);

const isoDate = (date: string): string => new Date(date).toISOString();

const isWeak = ({ publicKey }: X509Certificate): boolean =>
  publicKey.asymmetricKeyType === "rsa" && (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS;

const CURVES: Record<string, string> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };

function keyOf({ publicKey }: X509Certificate): string {
  const { namedCurve = "", modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === "ec") return `ECDSA ${CURVES[namedCurve] ?? namedCurve}`;
  if (publicKey.asymmetricKeyType === "rsa") return `RSA ${modulusLength}`;
  return publicKey.asymmetricKeyType ?? "unknown key";
}

const described = ({ CN, O, OU }: DetailedPeerCertificate["subject"]): string =>
  [CN, O, OU].filter(Boolean).join(", ") || "nobody named";
