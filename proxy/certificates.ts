import { type Client, type KeyAlgorithm, PROBE_CLIENT, type Settings } from "./settings";

/** X.509 key usages and extended key usages by the names that @pulumi/tls gives them. */
export type Usage = "digital_signature" | "cert_signing" | "crl_signing" | "server_auth" | "client_auth";

/** What every maker of certificates (Pulumi in the cloud, `mtls-proxy local` on a desk) writes alike. */
export interface CertificateProfile {
  /** In DER order: OU, then CN. nginx prints it the other way round, as RFC 2253 asks. */
  subject: { organizationalUnit: string; commonName: string };
  isCa: boolean;
  usages: Usage[];
  keyAlgorithm: KeyAlgorithm;
  /** Days from the moment it is made. */
  lifetimeDays: number;
  /** Days before its end from which on it is made anew. */
  renewDays: number;
}

/** The subject's OU of everything that can be shut out by raising a number. */
export const generationUnit = (generation: number): string => `generation ${generation}`;

/**
 * The private CA of a stack. Its subject carries its generation: nginx keeps TLS sessions apart by the names of the CAs, and a CA of the same name would let old sessions resume.
 * `cert_signing` alone: it signs certificates and nothing else; there is no revocation list.
 *
 * @param generation default: the newest
 */
export function caProfile({ ca, certificates }: Settings, generation = ca.generation): CertificateProfile {
  return {
    subject: { organizationalUnit: generationUnit(generation), commonName: "app-builder-mtls CA" },
    isCa: true,
    usages: ["cert_signing"],
    keyAlgorithm: certificates.keyAlgorithm,
    lifetimeDays: certificates.caDays,
    renewDays: 0,
  };
}

/** The generations of the CA whose certificates get in, the oldest first: two of them while applications move to the newest. */
export function trustedGenerations({ ca }: Settings): [oldest: number, ...newer: number[]] {
  const oldest = ca.retire + 1;
  return [oldest, ...Array.from({ length: ca.generation - oldest }, (_, index) => oldest + 1 + index)];
}

/** The proxy's own certificate; its addresses and names are its SANs. */
export function serverProfile(settings: Settings): CertificateProfile {
  return leafProfile(settings, { organizationalUnit: "server", commonName: "mtls-proxy" }, "server_auth");
}

export function clientProfile(
  settings: Settings,
  { name, generation }: Pick<Client, "name" | "generation">,
): CertificateProfile {
  return leafProfile(settings, { organizationalUnit: generationUnit(generation), commonName: name }, "client_auth");
}

/** The client with which the machine asks its own proxy how it is. */
export function probeProfile(settings: Settings): CertificateProfile {
  return clientProfile(settings, { name: PROBE_CLIENT, generation: 1 });
}

/** `digital_signature` is all that an ephemeral key exchange asks of a leaf, RSA included (RFC 8446 4.4.2.2, RFC 5246 7.4.2). */
function leafProfile(
  { certificates }: Settings,
  subject: CertificateProfile["subject"],
  purpose: "server_auth" | "client_auth",
): CertificateProfile {
  return {
    subject,
    isCa: false,
    usages: ["digital_signature", purpose],
    keyAlgorithm: certificates.keyAlgorithm,
    lifetimeDays: certificates.leafDays,
    renewDays: certificates.renewDays,
  };
}
