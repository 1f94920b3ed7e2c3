import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Issued } from "../../../cli/src/certificates";

const SHORT = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 1024,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** The same certificate of the same CA, for a key that is too short to be made by any profile of ours. */
export async function withShortKey({ cert }: Issued, ca: Issued): Promise<Issued> {
  const model = new x509.X509Certificate(cert);
  const keys = await webcrypto.subtle.generateKey(SHORT, true, ["sign", "verify"]);
  const caKey = x509.PemConverter.decodeFirst(ca.key);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: model.serialNumber,
    subject: model.subjectName.toJSON(),
    issuer: model.issuerName.toJSON(),
    notBefore: model.notBefore,
    notAfter: model.notAfter,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey("pkcs8", caKey, ECDSA, false, ["sign"]),
    signingAlgorithm: ECDSA,
    extensions: model.extensions.filter(({ type }) => type !== "2.5.29.14"), // the identifier of the other key
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { cert: made.toString("pem"), key };
}
