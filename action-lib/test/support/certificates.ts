import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const DAY_MS = 24 * 60 * 60 * 1000;

export interface IssueOptions {
  commonName?: string;
  /** Host names and addresses. */
  names?: string[];
  /** Default: an ECDSA key. */
  rsa?: boolean;
  /** Days from now; negative ones lie in the past. */
  fromDays?: number;
  toDays?: number;
}

/** A certificate and its key, both PEM. */
interface Issued {
  cert: string;
  key: string;
}

export interface TestCa extends Issued {
  issue(options?: IssueOptions): Promise<Issued>;
}

/** A CA for a test, with a key of its own. */
export async function makeCa({ commonName = "test CA", ...validity }: IssueOptions = {}): Promise<TestCa> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: ALGORITHM,
    ...dates({ toDays: 3650, ...validity }),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    ...(await pem(certificate, keys.privateKey)),
    issue: (options = {}) => issue(certificate, keys.privateKey, options),
  };
}

async function issue(
  ca: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  { commonName = "app-builder", names = [], rsa = false, ...validity }: IssueOptions,
): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(rsa ? RSA : ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${commonName}`,
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    ...dates(validity),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
      ...(names.length > 0
        ? [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: isIP(value) ? "ip" : "dns", value })),
            ),
          ]
        : []),
    ],
  });
  return pem(certificate, keys.privateKey);
}

const dates = ({ fromDays = -1, toDays = 365 }: IssueOptions) => ({
  notBefore: new Date(Date.now() + fromDays * DAY_MS),
  notAfter: new Date(Date.now() + toDays * DAY_MS),
});

async function pem(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<Issued> {
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`,
  };
}
