import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { inspect } from "node:util";
import { endpointOrigin } from "./endpoint";
import { AGAIN, CredentialsError, RENEW } from "./errors";
import { pemBlocks } from "./pem";

type Variable = "__AIO_MTLS_ENDPOINT" | "__AIO_MTLS_CERT" | "__AIO_MTLS_KEY" | "__AIO_MTLS_CA";

/** The credentials as the action was given them, before anything is known about them. */
export interface RawCredentials {
  endpoint: string;
  cert: string;
  key: string;
  ca: string;
}

export interface CredentialsOptions {
  /** Pins the proxy's address in code, for actions whose inputs callers may override. Default: `__AIO_MTLS_ENDPOINT`. */
  endpoint?: string;
}

const HINT =
  "Let `mtls-proxy env` write the `.env`: a PEM survives there as one double-quoted line with \\n, or as base64.";
/** Clocks of containers drift, and @pulumi/tls makes certificates valid from the second of their making. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A key pair that was checked against its CA. Printing it, in whatever way, does not print the key. */
export class Credentials {
  /** The proxy's origin, `https://host[:port]`. */
  readonly endpoint: string;
  /** The client certificate, PEM. */
  readonly cert: string;
  /** The CA, or while one replaces another both, PEM. It signed the proxy's certificate and the client's. */
  readonly ca: string;
  /** From when on the client certificate is valid. */
  readonly validFrom: Date;
  /** When the client certificate ends. */
  readonly validTo: Date;
  readonly #key: string;

  constructor(fields: RawCredentials & { validFrom: Date; validTo: Date }) {
    this.endpoint = fields.endpoint;
    this.cert = fields.cert;
    this.ca = fields.ca;
    this.validFrom = fields.validFrom;
    this.validTo = fields.validTo;
    this.#key = fields.key;
  }

  /** The private key, PEM. Not part of the printed or serialised form. */
  get key(): string {
    return this.#key;
  }

  /** Whole days until the client certificate ends. */
  get daysLeft(): number {
    return Math.floor((this.validTo.getTime() - Date.now()) / DAY_MS);
  }

  /** @throws {CredentialsError} ERR_MTLS_EXPIRED, ERR_MTLS_NOT_YET_VALID */
  checkDates(): void {
    const now = Date.now();
    if (now >= this.validTo.getTime()) {
      throw new CredentialsError(
        "ERR_MTLS_EXPIRED",
        `The client certificate in __AIO_MTLS_CERT ended at ${this.validTo.toISOString()}. ${RENEW}`,
      );
    }
    if (now < this.validFrom.getTime() - CLOCK_SKEW_MS) {
      throw new CredentialsError(
        "ERR_MTLS_NOT_YET_VALID",
        `The client certificate in __AIO_MTLS_CERT is valid only from ${this.validFrom.toISOString()}, and this clock says ${new Date(now).toISOString()}. Set the clock right.`,
      );
    }
  }

  /** Without the key. */
  toJSON(): object {
    return { ...this };
  }

  [inspect.custom](): object {
    return { ...this, key: "[private key]" };
  }
}

/**
 * The credentials of an action, checked: complete, a pair, in time, and issued by their CA.
 *
 * @param params - the action's params with `__AIO_MTLS_ENDPOINT`, `__AIO_MTLS_CERT`, `__AIO_MTLS_KEY` and `__AIO_MTLS_CA`
 * @throws {CredentialsError} with a code for each way in which they can be wrong
 */
export function credentials(params: object, options: CredentialsOptions = {}): Credentials {
  return checkedCredentials(rawCredentials(params, options));
}

/** @throws {CredentialsError} ERR_MTLS_MISSING, _NOT_TEXT, _EMPTY, _NOT_EXPANDED, _COMMAND, _ENDPOINT_MISMATCH */
export function rawCredentials(params: object, { endpoint }: CredentialsOptions = {}): RawCredentials {
  const cert = variable(params, "__AIO_MTLS_CERT");
  const key = variable(params, "__AIO_MTLS_KEY");
  const ca = variable(params, "__AIO_MTLS_CA");
  if (endpoint === undefined) return { endpoint: variable(params, "__AIO_MTLS_ENDPOINT"), cert, key, ca };
  refuseOtherEndpoint(params, endpoint);
  return { endpoint, cert, key, ca };
}

function refuseOtherEndpoint(params: object, endpoint: string): void {
  const given: unknown = Reflect.get(params, "__AIO_MTLS_ENDPOINT");
  if (typeof given !== "string" || given === endpoint) return;
  if (endpointOrigin(variable(params, "__AIO_MTLS_ENDPOINT")) === endpointOrigin(endpoint)) return;
  throw new CredentialsError(
    "ERR_MTLS_ENDPOINT_MISMATCH",
    "__AIO_MTLS_ENDPOINT is not the endpoint that the code pins. The code is of another environment, or the caller overrode the action's inputs: set `final: true` in app.config.yaml.",
  );
}

function variable(params: object, name: Variable): string {
  const value: unknown = Reflect.get(params, name);
  if (value === undefined || value === null) {
    throw new CredentialsError(
      "ERR_MTLS_MISSING",
      `${name} is not among the action's params. Add \`${name}: $${name}\` to the action's inputs in app.config.yaml, and pass the params as they are.`,
    );
  }
  if (typeof value !== "string") {
    throw new CredentialsError("ERR_MTLS_NOT_TEXT", `${name} is of type ${typeof value}, not a string. ${AGAIN}`);
  }
  if (SUSPICIOUS.test(value)) refuseUnset(name, value.trim());
  return value;
}

/** How a value begins that is empty, a variable's name or a command; most are looked at once for every call. */
const SUSPICIOUS = /^\s*(?:$|[$(`])/;

function refuseUnset(name: Variable, text: string): void {
  if (text === "") {
    throw new CredentialsError(
      "ERR_MTLS_EMPTY",
      `${name} is empty: not set when the app was deployed, or overruled by a shell variable of that name. ${AGAIN}`,
    );
  }
  if (/^\$\{?\w+\}?$/.test(text)) {
    throw new CredentialsError(
      "ERR_MTLS_NOT_EXPANDED",
      `${name} still is a variable's name, not its value: .env did not define it when the app was deployed. ${AGAIN}`,
    );
  }
  if (/^\$?\(|^`/.test(text)) {
    throw new CredentialsError("ERR_MTLS_COMMAND", `${name} is a shell command, which .env does not run. ${HINT}`);
  }
}

/** @throws {CredentialsError} */
export function checkedCredentials(raw: RawCredentials): Credentials {
  const endpoint = endpointOrigin(raw.endpoint.trim());
  const cert = certificatesIn("__AIO_MTLS_CERT", raw.cert);
  const key = privateKeyIn(raw.key);
  const ca = certificatesIn("__AIO_MTLS_CA", raw.ca);
  const [leaf] = cert.certificates;

  refuseStrangers(leaf, key.object, ca.certificates);
  const checked = new Credentials({
    endpoint,
    cert: cert.text,
    key: key.text,
    ca: ca.text,
    validFrom: new Date(leaf.validFrom),
    validTo: new Date(leaf.validTo),
  });
  checked.checkDates();
  refuseExpiredIssuer(leaf, ca.certificates);
  return checked;
}

function refuseStrangers(leaf: X509Certificate, key: KeyObject, cas: X509Certificate[]): void {
  if (!leaf.checkPrivateKey(key)) {
    if (cas.some((ca) => ca.checkPrivateKey(key))) {
      throw new CredentialsError("ERR_MTLS_SWAPPED", `__AIO_MTLS_CERT and __AIO_MTLS_CA are swapped. ${AGAIN}`);
    }
    throw new CredentialsError(
      "ERR_MTLS_KEY_MISMATCH",
      `__AIO_MTLS_KEY does not belong to __AIO_MTLS_CERT: they come from different stacks or rotations. ${AGAIN}`,
    );
  }
  if (!cas.some((ca) => isIssuer(ca, leaf))) {
    throw new CredentialsError(
      "ERR_MTLS_NOT_ISSUED_BY_CA",
      `__AIO_MTLS_CERT was not issued by a CA in __AIO_MTLS_CA: they come from different stacks or rotations, or the caller overrode some of the action's inputs. ${AGAIN}`,
    );
  }
}

function refuseExpiredIssuer(leaf: X509Certificate, cas: X509Certificate[]): void {
  const issuers = cas.filter((ca) => isIssuer(ca, leaf));
  if (issuers.some((ca) => Date.now() < new Date(ca.validTo).getTime())) return;
  throw new CredentialsError(
    "ERR_MTLS_CA_EXPIRED",
    `The CA in __AIO_MTLS_CA is expired. Raise \`ca.generation\` in the stack's configuration. ${RENEW}`,
  );
}

/** By name and by signature: a twin of the CA has its name, but not its key. */
const isIssuer = (ca: X509Certificate, leaf: X509Certificate): boolean =>
  leaf.checkIssued(ca) && leaf.verify(ca.publicKey);

function certificatesIn(
  name: "__AIO_MTLS_CERT" | "__AIO_MTLS_CA",
  value: string,
): { text: string; certificates: [X509Certificate, ...X509Certificate[]] } {
  const blocks = pemBlocks(value);
  if (blocks.some(({ label }) => label.endsWith("PRIVATE KEY"))) {
    throw new CredentialsError(
      "ERR_MTLS_SWAPPED",
      `${name} holds a private key, which belongs into __AIO_MTLS_KEY. ${AGAIN}`,
    );
  }
  const texts = blocks.filter(({ label }) => label === "CERTIFICATE").map(({ text }) => text);
  const [first, ...others] = texts.map((text) => parsed(name, () => new X509Certificate(text)));
  if (first === undefined) throw mangled(name);
  return { text: texts.join(""), certificates: [first, ...others] };
}

function privateKeyIn(value: string): { text: string; object: KeyObject } {
  const blocks = pemBlocks(value);
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) {
    if (blocks.some(({ label }) => label === "CERTIFICATE")) {
      throw new CredentialsError("ERR_MTLS_SWAPPED", `__AIO_MTLS_KEY holds a certificate, not a private key. ${AGAIN}`);
    }
    throw mangled("__AIO_MTLS_KEY");
  }
  if (block.label.startsWith("ENCRYPTED") || block.text.includes("ENCRYPTED")) {
    throw new CredentialsError(
      "ERR_MTLS_KEY_ENCRYPTED",
      "__AIO_MTLS_KEY is encrypted with a passphrase. `mtls-proxy env` writes the key without one.",
    );
  }
  return { text: block.text, object: parsed("__AIO_MTLS_KEY", () => createPrivateKey(block.text)) };
}

function parsed<T>(name: Variable, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw mangled(name, cause);
  }
}

const mangled = (name: Variable, cause?: unknown): CredentialsError =>
  new CredentialsError(
    "ERR_MTLS_MANGLED",
    `${name} is not whole PEM: it was cut or changed on its way. ${HINT}`,
    cause === undefined ? undefined : { cause },
  );
