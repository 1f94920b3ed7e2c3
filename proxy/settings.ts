import type { KeyObject } from "node:crypto";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { classifyHost, isAddress } from "./addresses";
import { type Problem, SettingsError } from "./errors";
import { flag, only, text, whole } from "./fields";
import { ingress } from "./ingress";
import { canonicalCertificates, canonicalKey, readCertificates, readPrivateKey } from "./pem";

/** AWS Secrets Manager: the largest secret value, in bytes. */
export const SECRET_BYTES = 65_536;
/**
 * What else a bundle holds, compressed (measured, and checked by a test with names that do not compress):
 * the files that every proxy has, with RSA-4096 certificates of its own and the program that reports how the machine
 * is; a line of the manifest and what is written differently for each file of a destination; and each name, path and
 * url once in every list.
 */
const BUNDLE = { sameForAll: 22_000, aFile: 90, lists: 5 };

/** More would not fit into one bundle with their certificates, or be worth reading in one file. */
const MOST_DESTINATIONS = 50;
const MOST_CLIENTS = 100;
const MOST_GENERATIONS = 10;
/** The old and the new one while applications move; a third would be one that somebody forgot. */
const MOST_CAS = 2;
/** In characters; nginx keeps a location's path in one parameter of 4,096 bytes, with more around it. */
const LONGEST_PATH = 200;

/** The client that sync on the machine uses to ask the proxy how it is; accepted from loopback alone. */
export const PROBE_CLIENT = "probe";

/** The oldest nginx that the files are rendered for: Debian 12's. */
export const OLDEST_NGINX = "1.22.0";

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/;
const DESTINATION_URL = /^https:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?\/?$/i;
const PATH_PREFIX = /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?$/;
/** Paths under this belong to the proxy itself. */
export const RESERVED_PATH = "/.mtls-proxy/";

const label = (what: string) =>
  text(`must be a DNS label, which is what ${what}: a-z, 0-9 and -, 63 characters at most`, (value) =>
    LABEL.test(value),
  );

const certificatePem = z.string("must be certificates in PEM form").transform((value, context) => {
  const certificates = readCertificates(value);
  if (certificates) return canonicalCertificates(certificates);
  context.addIssue({ code: "custom", message: "must be certificates in PEM form and nothing else", input: value });
  return z.NEVER;
});

/** OpenSSL's security level 2, which distributions build nginx with, refuses shorter ones when it loads them. */
const SHORTEST_RSA_BITS = 2_048;

const isWeak = (key: KeyObject): boolean =>
  (key.asymmetricKeyDetails?.modulusLength ?? SHORTEST_RSA_BITS) < SHORTEST_RSA_BITS;

const keyPem = z.string("must be a private key in PEM form").transform((value, context) => {
  const key = readPrivateKey(value);
  if (key && !isWeak(key)) return canonicalKey(key);
  const message = key
    ? `must be an RSA key of ${SHORTEST_RSA_BITS} bits at least, or an elliptic one: nginx loads no shorter one`
    : "must be one private key in PEM form without a passphrase";
  context.addIssue({ code: "custom", message, input: value });
  return z.NEVER;
});

const URL_ALLOWED = "must be https://HOST or https://HOST:PORT, without user, path, query or fragment";

/** `new URL` reads 0x7f.1 and 2130706433 as 127.0.0.1; nginx and a reviewer would not. */
function isPlainHttpsOrigin(value: string): boolean {
  const host = DESTINATION_URL.exec(value)?.[1]?.toLowerCase();
  if (!host || !URL.canParse(value)) return false;
  return new URL(value).hostname === host && (isAddress(host) || isHost(host));
}

/** The host of a url that may have been refused already: what holds between settings is checked all the same. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : "unknown.example.com");

const isHost = (value: string): boolean => LABEL.test(value) || HOST_NAME.test(value);

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

const destination = only({
  name: label("log lines and file names are made of").optional(),
  url: text(URL_ALLOWED, isPlainHttpsOrigin).transform((value) => new URL(value).origin),
  path: text(
    `must be a path such as /pim/, of letters, digits and - _ . ~, no segment of which begins with a dot, ${LONGEST_PATH} characters at most`,
    (value) => value.startsWith("/") && PATH_PREFIX.test(value) && value.length <= LONGEST_PATH,
  )
    .transform(withSlash)
    .default("/"),
  stripPath: flag().default(true),
  serverName: text(
    "must be the host name in the destination's certificate, in lower case",
    (value) => isHost(value) && !isAddress(value),
  ).optional(),
  ca: certificatePem.optional(),
  clientCert: certificatePem.optional(),
  clientKey: keyPem.optional(),
  connectTimeoutSeconds: whole(1, 60, "seconds").default(5),
  readTimeoutSeconds: whole(1, 3600, "seconds").default(60),
})
  .superRefine(({ url, serverName, clientCert, clientKey }, context) => {
    if (!serverName && isAddress(hostOf(url))) {
      context.addIssue({
        code: "custom",
        path: ["serverName"],
        message:
          "must be given beside a url with an address: the host name in the destination's certificate, because nginx verifies names alone",
        input: undefined,
      });
    }
    const given = [clientCert && "clientCert", clientKey && "clientKey"].filter(Boolean);
    if (given.length === 1) {
      const missing = clientCert ? "clientKey" : "clientCert";
      context.addIssue({
        code: "custom",
        path: [missing],
        message: `must be given together with ${given[0]}`,
        input: undefined,
      });
    }
    if (clientCert && clientKey && !keyBelongsTo(clientCert, clientKey)) {
      context.addIssue({
        code: "custom",
        path: ["clientKey"],
        message: "must be the key of clientCert",
        input: clientKey,
      });
    }
  })
  .transform(({ name, ...rest }) => ({ name: name ?? nameOfHost(new URL(rest.url).hostname), ...rest }));

function keyBelongsTo(cert: string, key: string): boolean {
  const [leaf] = readCertificates(cert) ?? [];
  const privateKey = readPrivateKey(key);
  return leaf !== undefined && privateKey !== undefined && leaf.checkPrivateKey(privateKey);
}

function nameOfHost(host: string): string {
  const name = host
    .replace(/[^a-z0-9]+/gi, "-")
    .replace(/^-+/, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return name || "destination"; // the address [::] has neither letter nor digit
}

const client = only({
  name: label("certificates carry"),
  generation: whole(1, 1_000_000, "").default(1),
  accept: z
    .array(whole(1, 1_000_000, ""), "must be a list of generations")
    .min(1, "must list at least one generation")
    .max(MOST_GENERATIONS, `must list ${MOST_GENERATIONS} generations at most`)
    .optional(),
})
  .superRefine(({ generation, accept }, context) => {
    if (accept && !accept.includes(generation)) {
      context.addIssue({
        code: "custom",
        path: ["accept"],
        message: `must include ${generation}, the generation that is issued`,
        input: accept,
      });
    }
  })
  .transform(({ name, generation, accept }) => ({ name, generation, accept: accept ?? [generation] }));

const limits = only({
  bodyMegabytes: whole(1, 10_240, "MiB").default(100),
  requestsPerSecondPerClient: whole(0, 100_000, "0 is no limit").default(500),
  requestsPerSecondPerAddress: whole(0, 100_000, "0 is no limit").default(500),
  concurrentRequestsPerClient: whole(0, 65_535, "0 is no limit").default(2_000),
  concurrentRequestsPerAddress: whole(0, 65_535, "0 is no limit").default(1_000),
});

const KEY_ALGORITHMS = ["ECDSA-P256", "RSA-2048", "RSA-4096"] as const;

const certificates = only({
  keyAlgorithm: z.enum(KEY_ALGORITHMS, `must be one of ${KEY_ALGORITHMS.join(", ")}`).default("ECDSA-P256"),
  leafDays: whole(7, 825, "days").default(365),
  renewDays: whole(1, 400, "days").default(60),
  caDays: whole(30, 7_300, "days").default(3_650),
}).superRefine(({ leafDays, renewDays, caDays }, context) => {
  if (renewDays >= leafDays) {
    context.addIssue({
      code: "custom",
      path: ["renewDays"],
      message: `must be less than leafDays (${leafDays}), or every run would renew`,
      input: renewDays,
    });
  }
  if (caDays <= leafDays) {
    context.addIssue({
      code: "custom",
      path: ["caDays"],
      message: `must be more than leafDays (${leafDays}): no certificate may outlive its CA`,
      input: caDays,
    });
  }
});

const ca = only({
  generation: whole(1, 1_000_000, "").default(1),
  retire: whole(0, 1_000_000, "").default(0),
}).superRefine(({ generation, retire }, context) => {
  if (generation - retire >= 1 && generation - retire <= MOST_CAS) return;
  const [least, most] = [Math.max(0, generation - MOST_CAS), generation - 1];
  context.addIssue({
    code: "custom",
    path: ["retire"],
    message: `must be ${least === most ? most : `${least} or ${most}`} beside generation ${generation}: every CA up to it is no longer trusted, and ${MOST_CAS} are trusted at most`,
    input: retire,
  });
});

const nginx = only({
  version: text(
    `must be a version such as 1.28 or 1.30.1, ${OLDEST_NGINX} at least`,
    (value) => /^[1-9]\d{0,2}\.\d{1,3}(\.\d{1,3})?$/.test(value) && !isOlder(value, OLDEST_NGINX),
  ).default("1.28"),
});

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0 && !than.startsWith(`${version}.`);
}

/** The ports that Adobe I/O Runtime lets an action connect to, besides 443. */
const RUNTIME_PORTS = { first: 10_000, last: 20_000 };
const isRuntimePort = (port: number) =>
  port === 443 || (Number.isInteger(port) && port >= RUNTIME_PORTS.first && port <= RUNTIME_PORTS.last);
const PORT_ALLOWED = "must be 443 or from 10000 to 20000: App Builder's actions reach no other port";

/** What a user may set about the proxy; a room that knows more (AWS, say) adds its own fields beside these. */
export const settingsFields = {
  destinations: z
    .array(destination, "must be a list with at least one destination")
    .min(1, "must list at least one destination")
    .max(MOST_DESTINATIONS, `must list ${MOST_DESTINATIONS} destinations at most`),
  clients: z
    .array(client, "must be a list of clients")
    .min(1, "must list at least one client")
    .max(MOST_CLIENTS, `must list ${MOST_CLIENTS} clients at most`)
    .default([{ name: "app-builder", generation: 1, accept: [1] }]),
  port: z.number(PORT_ALLOWED).refine(isRuntimePort, PORT_ALLOWED).default(443),
  hostname: text(
    "must be a full host name in lower case, such as mtls.example.com",
    (value) => HOST_NAME.test(value) && !isAddress(value),
  ).optional(),
  ingress: ingress.prefault({}),
  limits: limits.prefault({}),
  logFormat: z.enum(["json", "text"], "must be json or text").default("json"),
  certificates: certificates.prefault({}),
  ca: ca.prefault({}),
  nginx: nginx.prefault({}),
  allowLocalDestinations: flag().default(false),
} satisfies z.ZodRawShape;

/**
 * What must hold between settings, whatever else stands beside them.
 * It runs on settings with problems too, so that all are told at once; they are as given then, without defaults.
 */
export function checkTogether(settings: Settings, context: z.RefinementCtx): void {
  const complain = (path: (string | number)[], message: string, input: unknown) =>
    context.addIssue({ code: "custom", path, message, input });

  settings.destinations.forEach(({ name, url, path }, index) => {
    const place = ["destinations", index];
    const earlier = settings.destinations.slice(0, index);
    if (name && earlier.some((other) => other.name === name)) {
      complain([...place, "name"], "must differ from the other destinations' names; give it a name of its own", name);
    }
    const overlapping = earlier.find((other) => overlap(withSlash(other.path), withSlash(path)));
    if (overlapping) {
      complain(
        [...place, "path"],
        `must be neither the same as, nor inside, nor around ${overlapping.path} of ${overlapping.name ?? "another destination"}`,
        path,
      );
    }
    const reach = classifyHost(hostOf(url));
    if (reach === "metadata") complain([...place, "url"], "must never be the machine's metadata service", url);
    if (reach === "private" && isPlainHttpsOrigin(url) && !settings.allowLocalDestinations) {
      complain([...place, "url"], "must be reachable over the internet, not loopback, link-local or private", url);
    }
  });
  settings.clients.forEach(({ name }, index) => {
    const place = ["clients", index, "name"];
    if (name === PROBE_CLIENT) complain(place, "must not be probe, which the proxy keeps for itself", name);
    if (settings.clients.findIndex((other) => other.name === name) < index)
      complain(place, "must differ from the other clients' names", name);
  });
  const size = bundleBytes(settings);
  if (size > SECRET_BYTES) {
    complain(
      ["destinations"],
      `must fit into one secret of ${SECRET_BYTES} bytes, compressed, with their certificates and keys, ingress and the proxy's own files; give only the CAs that sign a destination, or fewer destinations`,
      size,
    );
  }
}

/** How large the bundle will be, compressed, in bytes; rather too much than too little. */
function bundleBytes({ destinations, ingress, ...others }: Settings): number {
  const compressed = (text: string) => gzipSync(text, { level: 9 }).length;
  const material = destinations.flatMap(({ ca, clientCert, clientKey }) => [ca, clientCert, clientKey]);
  const plain = destinations.map(({ ca, clientCert, clientKey, ...rest }) => rest);
  const files = destinations.length * 2 + material.filter(Boolean).length;
  return (
    compressed(material.join("")) +
    compressed(JSON.stringify(ingress ?? {})) +
    BUNDLE.sameForAll +
    BUNDLE.aFile * files +
    BUNDLE.lists * compressed(JSON.stringify([plain, others]))
  );
}

/** `/` takes what no other prefix takes; every other overlap would leave a reader guessing who answers. */
function overlap(one: string, other: string): boolean {
  if (one === other) return true;
  if (one === "/" || other === "/") return false;
  return one.startsWith(other) || other.startsWith(one);
}

const settingsSchema = only(settingsFields).superRefine(checkTogether);

export type Settings = z.output<z.ZodObject<typeof settingsFields>>;
export type Destination = Settings["destinations"][number];
export type Client = Settings["clients"][number];
export type KeyAlgorithm = Settings["certificates"]["keyAlgorithm"];

/**
 * The settings of a proxy, complete with defaults.
 * @param input an object as it stands in a configuration file
 * @throws SettingsError with every problem at once
 */
export function parseSettings(input: unknown): Settings {
  return parseWith(settingsSchema, input);
}

/** The same for a schema that holds more fields beside {@link settingsFields}. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  throw new SettingsError(result.error.issues.flatMap(problemsOf));
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const hints = issue.message.split("\n");
    return issue.keys.map((key, index) => ({
      place: place([...issue.path, key]),
      given: "a setting of this name",
      allowed: hints[index] ?? "unknown setting",
    }));
  }
  return [{ place: place(issue.path), given: shown(issue), allowed: issue.message }];
}

function place(path: PropertyKey[]): string {
  const written = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return written.replace(/^\./, "") || "settings";
}

const MAY_HOLD_A_KEY = new Set<PropertyKey | undefined>(["ca", "clientCert", "clientKey"]);
/** A key in the wrong place, a password in a URL, or a token in its query. */
const LOOKS_SECRET = /-----|[@?#\n]|^.{200}/s;

/** What was given, as far as it can be shown: an object may hold anything, so only its kind is. */
function shown({ path, input }: z.core.$ZodIssue): string {
  if (input === undefined) return "nothing";
  if (Array.isArray(input))
    return input.every((item) => typeof item === "number") ? JSON.stringify(input) : `a list of ${input.length}`;
  if (typeof input === "object" && input !== null) return "an object";
  if (MAY_HOLD_A_KEY.has(path.at(-1))) return "(not shown)";
  const written = typeof input === "string" ? JSON.stringify(input) : String(input);
  if (LOOKS_SECRET.test(String(input))) return "(not shown)";
  return written.length > 80 ? `${written.slice(0, 77)}...` : written;
}
