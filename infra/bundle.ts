import { type Bundle, makeBundle, nginxFiles, packBundle, type Target, telemetryFiles } from "@app-builder-mtls/proxy";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Certificates } from "./certificates";
import { fleetFile } from "./lifecycle";
import type { Telemetry } from "./monitoring";
import type { Part } from "./parts";
import type { Settings } from "./settings";

/** A bundle where the machine finds it. */
export interface PublishedBundle {
  secret: aws.secretsmanager.Secret;
  /** The machine's first fetch must find something. */
  published: pulumi.Resource;
  /** A hash that tells nothing about what it is made of. */
  version: pulumi.Output<string>;
}

/** The machine links its distribution's own CA file here, wherever that keeps it. */
const SYSTEM_CA = "/etc/mtls-proxy/system-ca.crt";
/** The VPC's own DNS server, the same address in every VPC. */
const VPC_RESOLVER = "169.254.169.253";

export function publishBundle(
  { name, tags, child }: Part,
  settings: Settings,
  certificates: Certificates,
  telemetry: Telemetry | undefined,
): PublishedBundle {
  const secret = new aws.secretsmanager.Secret(
    `${name}-bundle`,
    {
      description:
        "mtls-proxy: everything that the proxy serves with, keys included; written by pulumi up, read by the machine",
      // Nothing is lost with it: the next `pulumi up` writes the same again from the stack's state.
      recoveryWindowInDays: 0,
      tags,
    },
    child,
  );
  const bundle = pulumi.secret(bundleOf(settings, certificates, { secret, telemetry }));
  const published = new aws.secretsmanager.SecretVersion(
    `${name}-bundle`,
    { secretId: secret.id, secretBinary: bundle.apply((made) => packBundle(made).toString("base64")) },
    child,
  );
  return { secret, published, version: pulumi.unsecret(bundle.apply(({ version }) => version)) };
}

function bundleOf(
  settings: Settings,
  { ca, server, probe }: Certificates,
  { secret, telemetry }: { secret: aws.secretsmanager.Secret; telemetry: Telemetry | undefined },
): pulumi.Output<Bundle> {
  const inFleet = settings.topology === "fleet";
  const target: Target = {
    nginxVersion: settings.nginx.version,
    listen: ["0.0.0.0"],
    systemCa: SYSTEM_CA,
    resolver: [VPC_RESOLVER],
    health: inFleet,
  };
  const files = nginxFiles(settings, target);
  return pulumi
    .all([
      ca,
      server.cert,
      server.key,
      probe.cert,
      probe.key,
      telemetry && pulumi.all([telemetry.logGroup.name, telemetry.namespace]),
      inFleet ? fleetFile(secret) : undefined,
    ])
    .apply(([caCert, serverCert, serverKey, probeCert, probeKey, reporting, fleet]) =>
      makeBundle(target.nginxVersion, {
        ...files,
        "client-ca.crt": caCert,
        "server.crt": serverCert,
        "server.key": serverKey,
        "probe.crt": probeCert,
        "probe.key": probeKey,
        ...(reporting && telemetryFiles({ logGroup: reporting[0], namespace: reporting[1] })),
        ...(fleet && { "fleet.json": fleet }),
      }),
    );
}
