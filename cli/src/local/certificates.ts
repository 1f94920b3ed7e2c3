import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CertificateProfile,
  caProfile,
  clientProfile,
  type Settings,
  serverProfile,
} from "@app-builder-mtls/proxy";
import { type Issued, type IssueOptions, issue } from "../certificates";
import { makePrivateDirectory, writePrivateFile } from "../privateFiles";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface LocalCertificates {
  ca: Issued;
  server: Issued;
  /** By the client's name. */
  clients: Record<string, Issued>;
}

/** Names under which a proxy on this machine is called. */
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];

/**
 * The certificates of a local proxy, kept in a private directory between runs, so that an application's `.env` stays good.
 * What is due for renewal, or was made for other settings, is made anew.
 */
export async function localCertificates(directory: string, settings: Settings): Promise<LocalCertificates> {
  await makePrivateDirectory(directory);
  const ca = await keptOrIssued(directory, "ca", caProfile(settings));
  const names = [...LOCAL_NAMES, ...(settings.hostname ? [settings.hostname] : [])];
  const server = await keptOrIssued(directory, "server", serverProfile(settings), { issuer: ca, names });
  const clients: Record<string, Issued> = {};
  for (const client of settings.clients) {
    clients[client.name] = await keptOrIssued(directory, `client-${client.name}`, clientProfile(settings, client), {
      issuer: ca,
    });
  }
  return { ca, server, clients };
}

async function keptOrIssued(
  directory: string,
  name: string,
  profile: CertificateProfile,
  options: IssueOptions = {},
): Promise<Issued> {
  const [certPath, keyPath] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const kept = await readPair(certPath, keyPath);
  if (kept && isStillRight(kept, profile, options)) return kept;
  const made = await issue(profile, options);
  await writePrivateFile(certPath, made.cert);
  await writePrivateFile(keyPath, made.key);
  return made;
}

async function readPair(certPath: string, keyPath: string): Promise<Issued | undefined> {
  try {
    return { cert: await readFile(certPath, "utf8"), key: await readFile(keyPath, "utf8") };
  } catch {
    return undefined;
  }
}

function isStillRight(
  { cert, key }: Issued,
  profile: CertificateProfile,
  { issuer, names = [] }: IssueOptions,
): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const daysLeft = (Date.parse(certificate.validTo) - Date.now()) / DAY_MS;
    return (
      daysLeft > profile.renewDays &&
      certificate.subject === `OU=${profile.subject.organizationalUnit}\nCN=${profile.subject.commonName}` &&
      (certificate.publicKey.asymmetricKeyType === "ec") === (profile.keyAlgorithm === "ECDSA-P256") &&
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      (!issuer || certificate.verify(new X509Certificate(issuer.cert).publicKey)) &&
      names.every((name) => certificate.checkHost(name) ?? certificate.checkIP(name))
    );
  } catch {
    return false;
  }
}
