import "reflect-metadata";
import { createHash, type webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const SUBJECT_KEY_ID = "2.5.29.14";
const AUTHORITY_KEY_ID = "2.5.29.35";
const ALTERNATIVE_NAMES = "2.5.29.17";
/** What names a key or a place, and so differs from certificate to certificate. */
const OF_THIS_ONE = new Set([SUBJECT_KEY_ID, AUTHORITY_KEY_ID, ALTERNATIVE_NAMES]);

/** Everything about a certificate that its profile decides and a TLS peer could see, and nothing that differs from one issue to the next. */
export interface CertificateForm {
  /** DER, in hex. */
  subject: string;
  issuer: string;
  /** Object identifiers, sorted. */
  extensions: string[];
  /** DER in hex by object identifier, of those that do not name a key or a host; critical ones are marked. */
  values: Record<string, string>;
  /** Whether its own key's identifier is the SHA-1 of the key, as RFC 5280 4.2.1.2 (1) has it. */
  subjectKeyId: boolean;
  /** Whether it names its issuer's key by the issuer's own identifier; undefined if it names none, as a CA's own. */
  authorityKeyId: boolean | undefined;
  publicKey: webcrypto.KeyAlgorithm;
  signature: object;
  days: number;
}

const hex = (data: ArrayBuffer) => Buffer.from(data).toString("hex");

/** @param issuerPem the certificate of the CA that signed it, or its own */
export function formOf(pem: string, issuerPem: string): CertificateForm {
  const certificate = new x509.X509Certificate(pem);
  const issuer = new x509.X509Certificate(issuerPem);
  return {
    subject: hex(certificate.subjectName.toArrayBuffer()),
    issuer: hex(certificate.issuerName.toArrayBuffer()),
    extensions: certificate.extensions.map(({ type }) => type).sort(),
    values: Object.fromEntries(
      certificate.extensions
        .filter(({ type }) => !OF_THIS_ONE.has(type))
        .map(({ type, critical, value }) => [critical ? `${type} critical` : type, hex(value)]),
    ),
    subjectKeyId: keyId(certificate) === keyHash(certificate),
    authorityKeyId: namesIssuer(certificate, issuer),
    publicKey: certificate.publicKey.algorithm,
    signature: certificate.signatureAlgorithm,
    days: Math.round((certificate.notAfter.getTime() - certificate.notBefore.getTime()) / 86_400_000),
  };
}

const keyId = (certificate: x509.X509Certificate) =>
  certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;

function namesIssuer(certificate: x509.X509Certificate, issuer: x509.X509Certificate): boolean | undefined {
  const named = certificate.getExtension(x509.AuthorityKeyIdentifierExtension);
  return named ? named.keyId === keyId(issuer) : undefined;
}

/** Of the key's bits alone: the last 65 bytes of a P-256 key's SubjectPublicKeyInfo. */
function keyHash({ publicKey }: x509.X509Certificate): string {
  return createHash("sha1").update(Buffer.from(publicKey.rawData).subarray(-65)).digest("hex");
}
