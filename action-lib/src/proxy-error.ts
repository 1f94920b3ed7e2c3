import { AGAIN, MtlsError, nameError, RENEW, VERIFY } from "./errors";

/** The header by which the proxy marks an answer as its own; it hides such headers of destinations. */
const PROXY_ERROR_HEADER = "x-mtls-proxy-error";

/** What the proxy says about itself, and what to do. */
export const PROXY_REASONS: Readonly<Record<string, string>> = {
  address_not_listed:
    "The proxy lets no calls in from this address: look at `ingress` in the stack's configuration, whose list may be older than Adobe's.",
  client_certificate_required: "The proxy saw no client certificate: something in between ends TLS.",
  client_certificate_expired: `The client certificate is expired, or ends within a day. ${RENEW}`,
  client_certificate_rejected: `The proxy does not trust the client certificate's CA. ${AGAIN}`,
  client_not_listed: `The proxy does not list this client, or not this generation of it: check \`clients\` in the stack's configuration. ${AGAIN}`,
  no_such_destination: "No destination has this path: check the prefixes under `destinations`.",
  bad_request: "The proxy could not read the request.",
  method_not_allowed: "The proxy does not forward this method.",
  upgrade_not_supported: "The proxy forwards no upgrades, such as WebSocket.",
  tls_required: "The request reached the proxy without TLS.",
  body_too_large: "The body is larger than `limits.bodyMegabytes`.",
  uri_too_large: "The URL is too long.",
  headers_too_large: "A header is too long.",
  rate_limited: "Too many requests: slow down, or raise `limits`.",
  destination_unreachable: `The proxy could not connect to the destination, or refused its certificate; nothing was sent. ${VERIFY}`,
  destination_failed: "The destination broke off its answer; it may have acted on the request.",
  destination_timeout: "The destination did not answer in time; it may have acted on the request.",
  internal_error: "The proxy failed; its error log says why.",
};

/** The proxy, not the backend, gave this answer. Thrown only with the option `throwProxyErrors`. */
export class ProxyError extends MtlsError {
  /** The proxy's own code, such as `destination_unreachable`; a newer proxy may know others than the documented. */
  readonly reason: string;
  /** The HTTP status of the answer. */
  readonly status: number;

  constructor(reason: string, status: number) {
    super("ERR_MTLS_PROXY", `${PROXY_REASONS[reason] ?? "The proxy refused or failed."} (${reason}, ${status})`);
    this.reason = reason;
    this.status = status;
  }
}
nameError(ProxyError, "ProxyError");

interface Answer {
  status: number;
  headers: { get(name: string): string | null };
}

/** The proxy's own code if it, and not the backend, gave this answer; its own are errors all. */
export const proxyReason = ({ status, headers }: Answer): string | undefined =>
  status < 400 ? undefined : (headers.get(PROXY_ERROR_HEADER) ?? undefined);
