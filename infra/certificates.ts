import {
  type CertificateProfile,
  caProfile,
  clientProfile,
  type KeyAlgorithm,
  probeProfile,
  serverProfile,
  trustedGenerations,
} from "@app-builder-mtls/proxy";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** A certificate and its key, both PEM. */
export interface Identity {
  cert: pulumi.Output<string>;
  /** PKCS #8, secret. */
  key: pulumi.Output<string>;
}

/** Everything that a stack's CA signs, and the certificate of the CA itself; its key stays where it is made. */
export interface Certificates {
  /** Whom both sides trust, the oldest first; two CAs while applications move from one to the next. */
  ca: pulumi.Output<string>;
  server: Identity;
  probe: Identity;
  /** In the order of the settings. */
  clients: (Identity & { name: string })[];
}

/** @param serverNames what callers may call the proxy: its address, and its host name if it has one */
export function certificatesFor(part: Part, settings: Settings, serverNames: Names): Certificates {
  const { trusted, oldest, newest } = authorities(part, settings);
  return {
    ca: pulumi.all(trusted.map(({ cert }) => cert)).apply((certificates) => certificates.join("")),
    // An action that was not deployed since the newest CA was made trusts the one before alone.
    server: leaf(part, { what: "server", profile: serverProfile(settings), ca: oldest, names: serverNames }),
    probe: leaf(part, { what: "probe", profile: probeProfile(settings), ca: newest }),
    clients: settings.clients.map((client) => ({
      name: client.name,
      ...leaf(part, {
        what: `client-${client.name}-${client.generation}`,
        profile: clientProfile(settings, client),
        ca: newest,
      }),
    })),
  };
}

export interface Names {
  ipAddresses: pulumi.Input<string>[];
  dnsNames: string[];
}

interface Authority {
  generation: number;
  cert: pulumi.Output<string>;
  key: pulumi.Output<string>;
  /** RFC 3339. */
  ends: pulumi.Output<string>;
  /** What is to be done by then. */
  beforeItEnds: string;
}

/** The CAs that are trusted. Once `ca.generation` is raised, the one before goes on until `ca.retire` ends it. */
function authorities(part: Part, settings: Settings) {
  const [first, ...later] = trustedGenerations(settings);
  const oldest = certificateAuthority(part, settings, first);
  const newer = later.map((generation) => certificateAuthority(part, settings, generation));
  const newest = newer.at(-1) ?? oldest;
  if (newest !== oldest) tellWhatEnds(oldest, newest);
  return { trusted: [oldest, ...newer], oldest, newest };
}

function tellWhatEnds(oldest: Authority, newest: Authority): void {
  pulumi.log.warn(
    `The CAs of generation ${oldest.generation} and ${newest.generation} are both trusted. Write every application's credentials again (mtls-proxy env) and deploy it; then end the old CA: set ca.retire to ${oldest.generation}.`,
  );
}

/**
 * A CA is replaced by raising `ca.generation` and by nothing else: another CA shuts out every client until its
 * action is deployed again. So its resources are named by the generation and ignore every other change, and a change
 * that is ignored is told.
 */
function certificateAuthority({ name, child }: Part, settings: Settings, generation: number): Authority {
  const profile = caProfile(settings, generation);
  const what = `${name}-ca-${generation}`;
  const isSucceeded = generation < settings.ca.generation;
  const key = new tls.PrivateKey(what, keyArguments(profile.keyAlgorithm), {
    ...child,
    ignoreChanges: ["algorithm", "ecdsaCurve", "rsaBits"],
  });
  const cert = new tls.SelfSignedCert(
    what,
    {
      privateKeyPem: key.privateKeyPem,
      subject: subjectOf(profile),
      validityPeriodHours: hours(profile.lifetimeDays),
      earlyRenewalHours: hours(profile.renewDays),
      allowedUses: profile.usages,
      isCaCertificate: true,
      setSubjectKeyId: true,
    },
    {
      ...child,
      ignoreChanges: ["subject", "validityPeriodHours", "earlyRenewalHours", "allowedUses", "setSubjectKeyId"],
    },
  );
  pulumi.all([key.algorithm, key.rsaBits, cert.validityPeriodHours]).apply(([algorithm, bits, validity]) => {
    if (isSucceeded) return;
    tellWhatStays(settings, {
      keyAlgorithm: algorithm === "RSA" ? `RSA-${bits}` : "ECDSA-P256",
      caDays: validity / 24,
    });
  });
  return {
    generation,
    cert: cert.certPem,
    key: key.privateKeyPem,
    ends: cert.validityEndTime,
    beforeItEnds: isSucceeded
      ? `Set ca.retire to ${generation} before that.`
      : "Raise ca.generation before that for a new CA.",
  };
}

function tellWhatStays({ ca, certificates }: Settings, made: { keyAlgorithm: string; caDays: number }): void {
  for (const setting of ["keyAlgorithm", "caDays"] as const) {
    if (made[setting] === certificates[setting]) continue;
    pulumi.log.warn(
      `The CA of generation ${ca.generation} stays as it was made (${made[setting]}), whatever certificates.${setting} says (${certificates[setting]}): another CA would shut out every client until its action is deployed again. To make one on purpose, raise ca.generation to ${ca.generation + 1}.`,
    );
  }
}

interface Leaf {
  /** Names its resources. */
  what: string;
  profile: CertificateProfile;
  ca: Authority;
  /** Only a server has any. */
  names?: Names | undefined;
}

/** The key stays through renewals; inside the renewal window any run makes the certificate anew. */
function leaf({ name, child }: Part, { what, profile, ca, names }: Leaf): Identity {
  const key = new tls.PrivateKey(`${name}-${what}`, keyArguments(profile.keyAlgorithm), child);
  const request = new tls.CertRequest(
    `${name}-${what}`,
    { privateKeyPem: key.privateKeyPem, subject: subjectOf(profile), ...names },
    child,
  );
  const cert = new tls.LocallySignedCert(
    `${name}-${what}`,
    {
      certRequestPem: request.certRequestPem,
      caCertPem: ca.cert,
      caPrivateKeyPem: ca.key,
      validityPeriodHours: hours(profile.lifetimeDays),
      earlyRenewalHours: hours(profile.renewDays),
      allowedUses: profile.usages,
      setSubjectKeyId: true,
    },
    child,
  );
  pulumi.all([cert.validityEndTime, ca.ends]).apply(([end, last]) => {
    if (Date.parse(end) <= Date.parse(last)) return;
    pulumi.log.warn(`The certificate ${what} ends with the CA that signed it, on ${last}. ${ca.beforeItEnds}`);
  });
  return { cert: cert.certPem, key: pulumi.secret(key.privateKeyPemPkcs8) };
}

const hours = (days: number) => days * 24;

const subjectOf = ({ subject }: CertificateProfile) => ({
  organizationalUnit: subject.organizationalUnit,
  commonName: subject.commonName,
});

function keyArguments(algorithm: KeyAlgorithm): tls.PrivateKeyArgs {
  switch (algorithm) {
    case "ECDSA-P256":
      return { algorithm: "ECDSA", ecdsaCurve: "P256" };
    case "RSA-2048":
      return { algorithm: "RSA", rsaBits: 2048 };
    case "RSA-4096":
      return { algorithm: "RSA", rsaBits: 4096 };
  }
}
