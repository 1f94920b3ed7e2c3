import { isIP } from "node:net";
import { CredentialsError, credentials } from "app-builder-mtls";
import { parse } from "dotenv";
import type { Issued } from "../certificates";
import { type CredentialVariables, credentialVariables } from "../credentials";
import { credentialsOf } from "../env/command";
import { CommandError } from "../errors";
import { stackOutputs } from "../pulumi";
import { readTextFile } from "../textFile";
import { isCertificate, isPair, type Subject } from "./subject";

/** Where the credentials come from: a stack, an `.env`, or files. */
export interface SourceOptions {
  stack?: string;
  cwd?: string;
  client?: string;
  /** An `.env`. Not `--env-file`: Node takes an option of that name for its own wherever it stands (Node 20 to 26). */
  file?: string;
  endpoint?: string;
  cert?: string;
  key?: string;
  ca?: string;
  oldCert?: string;
  oldKey?: string;
  expectEgress?: string[];
}

const EXAMPLES =
  "Type: mtls-proxy verify --stack dev, or: mtls-proxy verify --file ../my-app/.env, or name the files with --endpoint, --cert, --key and --ca";

const usage = (message: string) => new CommandError("ERR_MTLS_USAGE", message, { exitCode: 2 });

/** @throws CommandError for wrong use, for a file that cannot be read, and as {@link stackOutputs} does */
export async function subjectFrom(options: SourceOptions): Promise<Subject> {
  refuseContradictions(options);
  const old = await oldGeneration(options);
  const expected = options.expectEgress ?? [];
  if (options.stack) {
    const outputs = await stackOutputs({ stack: options.stack, cwd: options.cwd });
    const { endpoint, clientCert, clientKey, caCert } = credentialsOf(outputs, options.client);
    const variables = credentialVariables({ endpoint, cert: clientCert, key: clientKey, ca: caCert });
    const egressIps = expected.length > 0 ? expected : outputs.egressIps;
    return { ...subjectOfVariables(variables), ...old, egressIps, bundleVersion: outputs.bundleVersion };
  }
  const variables = options.file ? await variablesIn(options.file) : await variablesOfFiles(options);
  return { ...subjectOfVariables(variables), ...old, egressIps: expected };
}

function refuseContradictions(options: SourceOptions): void {
  const { stack, file, endpoint, cert, key, ca, client, cwd, oldCert, oldKey } = options;
  const files = { "--endpoint": endpoint, "--cert": cert, "--key": key, "--ca": ca };
  const namesFiles = Object.values(files).some(Boolean);
  const sources = [stack && "--stack", file && "--file", namesFiles && "files"].filter(Boolean);
  if (sources.length !== 1) {
    const given = sources.length === 0 ? "none is given" : `${sources.join(" and ")} are given`;
    throw usage(`Say where the credentials are, in exactly one way (${given}). ${EXAMPLES}`);
  }
  const missing = Object.entries(files).flatMap(([name, value]) => (value ? [] : [name]));
  if (namesFiles && missing.length > 0) throw usage(`Files are named all four; ${missing.join(", ")} is missing.`);
  if (client && !stack) throw usage("--client chooses among a stack's clients; it goes with --stack.");
  if (cwd && !stack) throw usage("--cwd says where a stack's Pulumi.yaml is; it goes with --stack.");
  if (Boolean(oldCert) !== Boolean(oldKey)) throw usage("--old-cert and --old-key go together.");
  for (const address of options.expectEgress ?? [])
    if (!isIP(address)) throw usage(`--expect-egress takes IP addresses, separated by commas; ${address} is none.`);
}

async function oldGeneration({ oldCert, oldKey }: SourceOptions): Promise<{ old?: Issued }> {
  if (!oldCert || !oldKey) return {};
  const old = { cert: await readTextFile(oldCert), key: await readTextFile(oldKey) };
  if (!isPair(old)) throw usage(`${oldCert} and ${oldKey} are not a certificate and its key in PEM.`);
  return { old };
}

async function variablesIn(file: string): Promise<CredentialVariables> {
  const found = parse(await readTextFile(file));
  const value = (name: string) => found[name] ?? "";
  return credentialVariables({
    endpoint: value("__AIO_MTLS_ENDPOINT"),
    cert: value("__AIO_MTLS_CERT"),
    key: value("__AIO_MTLS_KEY"),
    ca: value("__AIO_MTLS_CA"),
  });
}

async function variablesOfFiles({ endpoint = "", cert = "", key = "", ca = "" }: SourceOptions) {
  return credentialVariables({
    endpoint,
    cert: await readTextFile(cert),
    key: await readTextFile(key),
    ca: await readTextFile(ca),
  });
}

/** Judged by the library itself, so that what passes here works in an action. What it refuses is looked at all the same. */
function subjectOfVariables(variables: CredentialVariables): Omit<Subject, "egressIps"> {
  try {
    const { endpoint, cert, key, ca } = credentials(variables);
    return { ...placeOf(endpoint), ca, client: { cert, key } };
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    const { __AIO_MTLS_ENDPOINT: endpoint, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key, __AIO_MTLS_CA: ca } = variables;
    return {
      ...placeOf(endpoint.trim()),
      ...(isCertificate(ca) && { ca }),
      ...(isPair({ cert, key }) && { client: { cert, key } }),
      complaint: { code: error.code, message: error.message },
    };
  }
}

function placeOf(endpoint: string): Pick<Subject, "endpoint" | "host" | "port"> {
  if (!/^https:\/\/[^/?#@]+\/?$/.test(endpoint) || !URL.canParse(endpoint)) {
    throw usage(`The endpoint is not an https origin, such as https://203.0.113.10 or https://host:10443. ${EXAMPLES}`);
  }
  const { origin, hostname, port } = new URL(endpoint);
  return { endpoint: origin, host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || 443 };
}
