import { AGAIN, ConnectionError, type MtlsErrorCode, VERIFY } from "./errors";

/** By Node's and OpenSSL's codes; the first that matches counts. */
const CAUSES: [RegExp, MtlsErrorCode][] = [
  [/^CERT_HAS_EXPIRED$/, "ERR_MTLS_SERVER_EXPIRED"],
  [/^CERT_NOT_YET_VALID$/, "ERR_MTLS_SERVER_NOT_YET_VALID"],
  [/^ERR_TLS_CERT_ALTNAME/, "ERR_MTLS_SERVER_NAME"],
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)/,
    "ERR_MTLS_SERVER_FOREIGN_CA",
  ],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|NO_CERTIFICATE|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)$/,
    "ERR_MTLS_CLIENT_REFUSED",
  ],
  [/(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/, "ERR_MTLS_NOT_TLS"],
  [/^(ERR_SSL_|EPROTO)/, "ERR_MTLS_TLS_FAILED"],
  [
    /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ETIMEDOUT|EADDRNOTAVAIL)$/,
    "ERR_MTLS_UNREACHABLE",
  ],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, "ERR_MTLS_CONNECTION_LOST"],
];

/** What to do, by code; `at` is the endpoint. */
const SENTENCES: Partial<Record<MtlsErrorCode, (at: string) => string>> = {
  ERR_MTLS_SERVER_EXPIRED: (at) => `The certificate of ${at} is expired. Run \`pulumi up\`, which renews it.`,
  ERR_MTLS_SERVER_NOT_YET_VALID: (at) =>
    `The certificate of ${at} is not valid yet by this clock. Set the clock right.`,
  ERR_MTLS_SERVER_NAME: (at) => `The certificate of ${at} is for another host. Use the stack's own \`endpoint\`.`,
  ERR_MTLS_SERVER_FOREIGN_CA: (at) =>
    `What answers at ${at} has no certificate of the CA in __AIO_MTLS_CA: another stack, a new CA, or something in between. ${AGAIN}`,
  ERR_MTLS_CLIENT_REFUSED: (at) => `${at} refused the client certificate. ${AGAIN} ${VERIFY}`,
  ERR_MTLS_NOT_TLS: (at) => `What answers at ${at} does not speak TLS. Check the port in __AIO_MTLS_ENDPOINT.`,
  ERR_MTLS_TLS_FAILED: (at) => `TLS with ${at} failed. \`mtls-proxy verify\` shows the versions and ciphers on offer.`,
  ERR_MTLS_UNREACHABLE: (at) =>
    `${at} could not be connected to. Check that the proxy is up and that \`ingress\` admits this address. ${VERIFY}`,
  ERR_MTLS_PORT_SHUT: (at) =>
    `${at} could not be connected to: Adobe Runtime lets actions out to the ports 443 and 10000 to 20000 only. Move the proxy there.`,
  ERR_MTLS_CONNECTION_LOST: (at) =>
    `The connection to ${at} broke before an answer came, and the request may not be repeated, or was in vain. If every call ends so: ${VERIFY}`,
};

/**
 * Node's error in words that say what to do.
 *
 * @param cause - the error of `http.request`
 * @returns nothing for an error that is not about the connection
 */
export function connectionError(cause: unknown, endpoint: string): ConnectionError | undefined {
  const reason = codeOf(cause);
  const found = CAUSES.find(([pattern]) => pattern.test(reason))?.[1];
  return (
    found &&
    explained(
      found === "ERR_MTLS_UNREACHABLE" && isShutByRuntime(endpoint) ? "ERR_MTLS_PORT_SHUT" : found,
      endpoint,
      cause,
    )
  );
}

/** A call that took too long; while it was still connecting, a port that Runtime shuts is the likelier story. */
export function timeoutError(milliseconds: number, endpoint: string, wasConnecting: boolean): ConnectionError {
  if (wasConnecting && isShutByRuntime(endpoint)) return explained("ERR_MTLS_PORT_SHUT", endpoint);
  return new ConnectionError(
    "ERR_MTLS_TIMEOUT",
    `${endpoint} gave no whole answer in ${Math.round(milliseconds)} ms${wasConnecting ? "; it was never connected" : ""}. Raise \`timeout\`, or look at the destination.`,
  );
}

function explained(code: MtlsErrorCode, endpoint: string, cause?: unknown): ConnectionError {
  const sentence = SENTENCES[code]?.(endpoint) ?? code;
  return new ConnectionError(code, sentence, cause === undefined ? undefined : { cause });
}

/** Node's or OpenSSL's own code. Not instanceof: in jest, Node's errors are of another realm. */
function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error) || typeof error.code !== "string") return "";
  // A handshake that fails during a write hides OpenSSL's reason in the message.
  const hidden =
    error.code === "EPROTO" && "message" in error && /SSL routines:[^:]*:([^:]+)/.exec(String(error.message));
  return hidden ? `ERR_SSL_${hidden[1]?.toUpperCase().replaceAll(" ", "_")}` : error.code;
}

/** Runtime sets `__OW_…` in every activation; elsewhere its firewall is not to blame. */
function isShutByRuntime(endpoint: string): boolean {
  if (process.env.__OW_ACTIVATION_ID === undefined) return false;
  const port = Number(new URL(endpoint).port || 443);
  return port !== 443 && (port < 10_000 || port > 20_000);
}
