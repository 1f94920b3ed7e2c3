/** Every code that an error of this library can carry. They are promises: none is ever renamed. */
export const ERROR_CODES = [
  "ERR_MTLS_MISSING",
  "ERR_MTLS_EMPTY",
  "ERR_MTLS_NOT_TEXT",
  "ERR_MTLS_NOT_EXPANDED",
  "ERR_MTLS_COMMAND",
  "ERR_MTLS_MANGLED",
  "ERR_MTLS_SWAPPED",
  "ERR_MTLS_KEY_ENCRYPTED",
  "ERR_MTLS_KEY_MISMATCH",
  "ERR_MTLS_NOT_ISSUED_BY_CA",
  "ERR_MTLS_EXPIRED",
  "ERR_MTLS_NOT_YET_VALID",
  "ERR_MTLS_CA_EXPIRED",
  "ERR_MTLS_ENDPOINT_INVALID",
  "ERR_MTLS_ENDPOINT_MISMATCH",
  "ERR_MTLS_URL_INVALID",
  "ERR_MTLS_URL_OUTSIDE_ENDPOINT",
  "ERR_MTLS_REDIRECT_OUTSIDE_ENDPOINT",
  "ERR_MTLS_CLIENT_REFUSED",
  "ERR_MTLS_SERVER_EXPIRED",
  "ERR_MTLS_SERVER_NOT_YET_VALID",
  "ERR_MTLS_SERVER_FOREIGN_CA",
  "ERR_MTLS_SERVER_NAME",
  "ERR_MTLS_NOT_TLS",
  "ERR_MTLS_TLS_FAILED",
  "ERR_MTLS_UNREACHABLE",
  "ERR_MTLS_PORT_SHUT",
  "ERR_MTLS_CONNECTION_LOST",
  "ERR_MTLS_TIMEOUT",
  "ERR_MTLS_PROXY",
] as const;

export type MtlsErrorCode = (typeof ERROR_CODES)[number];

/** The advice that most errors end with. */
export const AGAIN = "Run `mtls-proxy env` again and deploy.";
export const VERIFY = "`mtls-proxy verify` names the cause.";
export const RENEW = "Run `pulumi up`, then `mtls-proxy env`, and deploy.";

/** What every error of this library is. Neither it nor its `cause` ever holds the private key. */
export class MtlsError extends Error {
  /** Never changes between versions: decide by it, not by the message. */
  readonly code: MtlsErrorCode;

  constructor(code: MtlsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The credentials cannot be used: missing, mangled on the way through `.env`, out of date, or not a pair. */
export class CredentialsError extends MtlsError {}

/** The action asked for, or was redirected to, something that is not at the endpoint. Nothing was sent there. */
export class UrlError extends MtlsError {}

/** No answer came: the endpoint was not reached, or one of the two sides refused the other. `cause` is Node's error. */
export class ConnectionError extends MtlsError {}

for (const [name, type] of Object.entries({ MtlsError, CredentialsError, UrlError, ConnectionError })) {
  nameError(type, name);
}

/** Tells a class its name, which minifiers take from it. */
export function nameError(type: { prototype: Error }, value: string): void {
  for (const target of [type, type.prototype]) Object.defineProperty(target, "name", { value, configurable: true });
}
