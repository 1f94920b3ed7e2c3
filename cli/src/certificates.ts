import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { CertificateProfile, KeyAlgorithm, Usage } from "@app-builder-mtls/proxy";
import * as x509 from "@peculiar/x509";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks on one desk differ by a little: a certificate is valid from a minute before it was made. */
const BACKDATED_MS = 60 * 1000;

/** A certificate and its key, both PEM. */
export interface Issued {
  cert: string;
  key: string;
}

export interface IssueOptions {
  /** Who signs; the certificate signs itself without one. */
  issuer?: Issued;
  /** Host names and addresses that the certificate is valid for. */
  names?: string[];
  /** Default: a minute ago. */
  notBefore?: Date;
  /** Default: the profile's lifetime from now, or the issuer's end if that comes first. */
  notAfter?: Date;
}

/** Makes what the profile describes, with the same subject, usages and key identifiers as Pulumi's provider makes of it. */
export async function issue(profile: CertificateProfile, options: IssueOptions = {}): Promise<Issued> {
  const algorithm = ALGORITHMS[profile.keyAlgorithm];
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const issuer = options.issuer && (await readIssuer(options.issuer));
  const subject = new x509.Name([{ OU: [profile.subject.organizationalUnit] }, { CN: [profile.subject.commonName] }]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString("hex"),
    subject: subject.toJSON(),
    issuer: issuer ? issuer.certificate.subjectName.toJSON() : subject.toJSON(),
    publicKey: keys.publicKey,
    signingKey: issuer?.signingKey ?? keys.privateKey,
    signingAlgorithm: issuer?.signingAlgorithm ?? signatureOf(profile.keyAlgorithm),
    ...validity(profile, options, issuer?.certificate),
    extensions: [
      ...usageExtensions(profile),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(issuer ? [await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey)] : []),
      ...(options.names ? [new x509.SubjectAlternativeNameExtension(options.names.map(alternativeName))] : []),
    ],
  });
  return { cert: `${certificate.toString("pem")}\n`, key: await exportKey(keys.privateKey) };
}

const ALGORITHMS: Record<KeyAlgorithm, webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams> = {
  "ECDSA-P256": { name: "ECDSA", namedCurve: "P-256" },
  "RSA-2048": rsa(2048),
  "RSA-4096": rsa(4096),
};

function rsa(modulusLength: number): webcrypto.RsaHashedKeyGenParams {
  return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength, publicExponent: new Uint8Array([1, 0, 1]) };
}

const signatureOf = (algorithm: KeyAlgorithm) => ({ ...ALGORITHMS[algorithm], hash: "SHA-256" });

async function readIssuer({ cert, key }: Issued) {
  const certificate = new x509.X509Certificate(cert);
  const pkcs8 = x509.PemConverter.decodeFirst(key);
  const imported = { ...certificate.publicKey.algorithm, hash: "SHA-256" };
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, imported, false, ["sign"]);
  return { certificate, signingKey, signingAlgorithm: imported };
}

function validity(
  { lifetimeDays }: CertificateProfile,
  { notBefore, notAfter }: IssueOptions,
  issuer?: x509.X509Certificate,
) {
  const end = notAfter ?? new Date(Date.now() + lifetimeDays * DAY_MS);
  return {
    notBefore: notBefore ?? new Date(Date.now() - BACKDATED_MS),
    notAfter: issuer && end > issuer.notAfter ? issuer.notAfter : end,
  };
}

const KEY_USAGES: Partial<Record<Usage, x509.KeyUsageFlags>> = {
  digital_signature: x509.KeyUsageFlags.digitalSignature,
  cert_signing: x509.KeyUsageFlags.keyCertSign,
  crl_signing: x509.KeyUsageFlags.cRLSign,
};
const EXTENDED_USAGES: Partial<Record<Usage, x509.ExtendedKeyUsage>> = {
  server_auth: x509.ExtendedKeyUsage.serverAuth,
  client_auth: x509.ExtendedKeyUsage.clientAuth,
};

/** Criticality as Go's crypto/x509 writes it, which is what Pulumi's provider uses. */
function usageExtensions({ isCa, usages }: CertificateProfile): x509.Extension[] {
  const flags = usages.reduce((sum, usage) => sum | (KEY_USAGES[usage] ?? 0), 0);
  const extended = usages.flatMap((usage) => EXTENDED_USAGES[usage] ?? []);
  return [
    new x509.KeyUsagesExtension(flags, true),
    ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended, false)] : []),
    new x509.BasicConstraintsExtension(isCa, undefined, true),
  ];
}

const alternativeName = (name: string): { type: "ip" | "dns"; value: string } => ({
  type: isIP(name) ? "ip" : "dns",
  value: name,
});

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}
