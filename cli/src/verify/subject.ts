import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Issued } from "../certificates";

/** What is verified, and as whom. */
export interface Subject {
  /** `https://host[:port]` */
  endpoint: string;
  host: string;
  port: number;
  /** Whom the proxy's certificate must come from, PEM; undefined when it cannot be read. */
  ca?: string;
  /** Undefined when certificate or key cannot be read. */
  client?: Issued;
  /** Why an action could not use these credentials. */
  complaint?: { code: string; message: string };
  /** Of a generation that must be shut out. */
  old?: Issued;
  /** The bundle that the stack wants served. */
  bundleVersion?: string;
  /** The addresses that destinations may see; none when they are not known. */
  egressIps: string[];
}

/** Who may ask as the client: the credentials can be used, and the server has proved to be of their CA. */
export interface Insider extends Subject {
  ca: string;
  client: Issued;
}

/** What can be asked for as it stands. */
export const REQUEST_PATH = /^\/[!-~]*$/;

/** For SNI; an address has none (RFC 6066 section 3). */
export const serverNameOf = ({ host }: Pick<Subject, "host">): string | undefined => (isIP(host) ? undefined : host);

/** A certificate's name and generation, as the proxy's certificates write them: OU, then CN. */
export function subjectOf(pem: string): { organizationalUnit: string; commonName: string } {
  const parts = new Map(
    new X509Certificate(pem).subject.split("\n").map((line) => {
      const [name = "", ...value] = line.split("=");
      return [name, value.join("=")];
    }),
  );
  return { organizationalUnit: parts.get("OU") ?? "", commonName: parts.get("CN") ?? "" };
}

/** Whether a text holds a certificate in PEM. */
export function isCertificate(pem: string): boolean {
  try {
    return Boolean(new X509Certificate(pem));
  } catch {
    return false;
  }
}

/** Whether the key is the certificate's, both PEM. */
export function isPair({ cert, key }: Issued): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
