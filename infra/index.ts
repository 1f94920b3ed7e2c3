import * as pulumi from "@pulumi/pulumi";
import { MtlsProxy } from "./proxy";
import { readSettings } from "./settings";

const proxy = new MtlsProxy("mtls-proxy", readSettings());

/** What the actions are given, as the client that is listed first. */
export const { endpoint, clientCert, clientKey, caCert } = proxy.credentials;
/** The same for every client, by name. */
export const clients = pulumi.secret(proxy.clients);
/** What the backend's firewall must accept. */
export const egressIps = proxy.egressIps;
/** What the machine serves once it has it; `mtls-proxy verify` compares. */
export const bundleVersion = proxy.bundleVersion;
/**
 * The dashboard in AWS's console and the log group with the access log, when the stack is watched; and where the record
 * of `hostname` has to lead, when you make it yourself: an address (A), or a name (CNAME).
 * Of an output that is exported without a value, Pulumi would warn at every run.
 */
Object.assign(exports, proxy.views, proxy.hostnameTarget && { hostnameTarget: proxy.hostnameTarget });
