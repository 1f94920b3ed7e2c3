import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Every certificate in a PEM text, parsed.
 * @returns undefined when there is none, when one cannot be read, or when the text holds anything else
 */
export function readCertificates(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(CERTIFICATE_BLOCK);
  if (!blocks || pem.replace(CERTIFICATE_BLOCK, "").trim() !== "") return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** The same certificates with nothing around them, so that no stray text reaches a file of the proxy. */
export function canonicalCertificates(certificates: X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join("");
}

const KEY_START = /-----BEGIN [A-Z ]*PRIVATE KEY-----/g;

/** @returns undefined when the text does not hold exactly one private key, or an encrypted one */
export function readPrivateKey(pem: string): KeyObject | undefined {
  if (pem.match(KEY_START)?.length !== 1) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

export function canonicalKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
