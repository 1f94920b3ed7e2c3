import * as pulumi from "@pulumi/pulumi";
import { publishBundle } from "./bundle";
import { type Certificates, certificatesFor, type Identity, type Names } from "./certificates";
import { hostnameRecord } from "./hostname";
import { telemetryFor, type Views, watch } from "./monitoring";
import type { Part } from "./parts";
import { machineRole } from "./role";
import type { Settings } from "./settings";
import { type Entrance, topologyFor } from "./topology";

/** What an action is given to call through the proxy. */
export interface Credentials {
  /** `https://ADDRESS`, with the port unless it is 443. */
  endpoint: pulumi.Output<string>;
  clientCert: pulumi.Output<string>;
  /** Secret. */
  clientKey: pulumi.Output<string>;
  /** Whom the client trusts: the stack's own CA. */
  caCert: pulumi.Output<string>;
}

/**
 * A fixed address with mutual TLS in front of the backends that an App Builder project calls.
 *
 * One for each environment: everything in it is its own, so several live in one account.
 *
 * Cost a month in us-east-1: `single` is about $11 (t4g.micro 6.13, public address 3.65, 8 GB of disk 0.64,
 * secret 0.40), and $0.09 a GB that goes out beyond the first 100 GB. `fleet` is about $115, or $78 with one NAT gateway:
 * docs/topologies.md. Monitoring is $8.75 for a quiet stack, less what AWS's free allowance covers, and $0.27 for a
 * million requests; docs/operations.md has the items.
 *
 * @example
 * const proxy = new MtlsProxy("mtls-proxy", readSettings());
 * export const endpoint = proxy.endpoint;
 */
export class MtlsProxy extends pulumi.ComponentResource {
  /** Of the client that is listed first; most stacks have no other. */
  readonly credentials: Credentials;
  /** Of all clients, by name. */
  readonly clients: Record<string, Credentials>;
  /** What the backend's firewall must accept. */
  readonly egressIps: pulumi.Output<string[]>;
  /** Where the record of the host name has to lead, when the user makes it: an address (A), or a name (CNAME). */
  readonly hostnameTarget: pulumi.Output<string> | undefined;
  readonly bundleVersion: pulumi.Output<string>;
  /** Where to look; nothing while monitoring is off. */
  readonly views: Views | undefined;

  constructor(name: string, settings: Settings, options?: pulumi.ComponentResourceOptions) {
    super("app-builder-mtls:index:MtlsProxy", name, {}, options);
    const part: Part = { name, tags: tagsOf(name, settings), child: { parent: this } };

    const topology = topologyFor(part, settings);
    const certificates = certificatesFor(part, settings, namesOf(settings, topology.entrance));
    const telemetry = telemetryFor(part, settings);
    const bundle = publishBundle(part, settings, certificates, telemetry);
    const role = machineRole(part, settings, { secret: bundle.secret, telemetry });
    const machines = topology.serve(bundle, role);
    hostnameRecord(part, settings, topology.entrance, machines);
    this.views = telemetry && watch(part, settings, telemetry, machines);

    const { first, byName } = credentialsOf(settings, topology.entrance, certificates);
    this.credentials = first;
    this.clients = byName;
    this.egressIps = topology.egressIps;
    this.hostnameTarget = settings.hostname && !settings.network.hostedZoneId ? topology.entrance.target : undefined;
    this.bundleVersion = bundle.version;
    this.registerOutputs();
  }
}

/** Tells the stacks of one account apart for whoever looks at them there. */
function tagsOf(name: string, { tags }: Settings): Record<string, string> {
  const stack = pulumi.getStack();
  return { Name: `${name}-${stack}`, "pulumi:project": pulumi.getProject(), "pulumi:stack": stack, ...tags };
}

const namesOf = ({ hostname }: Settings, { addresses }: Entrance): Names => ({
  ipAddresses: addresses,
  dnsNames: hostname ? [hostname] : [],
});

function credentialsOf(settings: Settings, { target }: Entrance, { ca, clients }: Certificates) {
  const port = settings.port === 443 ? "" : `:${settings.port}`;
  const endpoint = pulumi.interpolate`https://${settings.hostname ?? target}${port}`;
  const of = ({ cert, key }: Identity): Credentials => ({ endpoint, clientCert: cert, clientKey: key, caCert: ca });
  const [first] = clients;
  if (!first) throw new pulumi.RunError("clients: must list at least one client");
  return { first: of(first), byName: Object.fromEntries(clients.map((client) => [client.name, of(client)])) };
}
