import * as pulumi from "@pulumi/pulumi";
import { type Address, fixedAddress } from "./address";
import { publishBundle } from "./bundle";
import { type Certificates, certificatesFor, type Identity, type Names } from "./certificates";
import { hostnameRecord } from "./hostname";
import { telemetryFor, type Views, watch } from "./monitoring";
import { networkFor } from "./network";
import type { Part } from "./parts";
import { machineRole } from "./role";
import type { Settings } from "./settings";
import { singleMachine } from "./single";

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
 * secret 0.40), and $0.09 a GB that goes out beyond the first 100 GB. Monitoring is $8.75 for a quiet stack, less what
 * AWS's free allowance covers, and $0.27 for a million requests; docs/operations.md has the items.
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
  readonly egressIps: pulumi.Output<string>[];
  readonly bundleVersion: pulumi.Output<string>;
  /** Where to look; nothing while monitoring is off. */
  readonly views: Views | undefined;

  constructor(name: string, settings: Settings, options?: pulumi.ComponentResourceOptions) {
    super("app-builder-mtls:index:MtlsProxy", name, {}, options);
    const part: Part = { name, tags: tagsOf(name, settings), child: { parent: this } };

    const network = networkFor(part, settings);
    const address = fixedAddress(part, settings, network);
    hostnameRecord(part, settings, address);
    const certificates = certificatesFor(part, settings, namesOf(settings, address));
    const telemetry = telemetryFor(part, settings);
    const bundle = publishBundle(part, settings, certificates, telemetry);
    const role = machineRole(part, bundle.secret.arn, telemetry);
    const machine = singleMachine(part, settings, { network, address, bundle, role });
    this.views = telemetry && watch(part, settings, telemetry, { instanceId: machine.id });

    const { first, byName } = credentialsOf(settings, address, certificates);
    this.credentials = first;
    this.clients = byName;
    this.egressIps = [address.publicIp];
    this.bundleVersion = bundle.version;
    this.registerOutputs();
  }
}

/** Tells the stacks of one account apart for whoever looks at them there. */
function tagsOf(name: string, { tags }: Settings): Record<string, string> {
  const stack = pulumi.getStack();
  return { Name: `${name}-${stack}`, "pulumi:project": pulumi.getProject(), "pulumi:stack": stack, ...tags };
}

const namesOf = ({ hostname }: Settings, { publicIp }: Address): Names => ({
  ipAddresses: [publicIp],
  dnsNames: hostname ? [hostname] : [],
});

function credentialsOf(settings: Settings, { publicIp }: Address, { ca, clients }: Certificates) {
  const port = settings.port === 443 ? "" : `:${settings.port}`;
  const endpoint = pulumi.interpolate`https://${settings.hostname ?? publicIp}${port}`;
  const of = ({ cert, key }: Identity): Credentials => ({ endpoint, clientCert: cert, clientKey: key, caCert: ca });
  const [first] = clients;
  if (!first) throw new pulumi.RunError("clients: must list at least one client");
  return { first: of(first), byName: Object.fromEntries(clients.map((client) => [client.name, of(client)])) };
}
