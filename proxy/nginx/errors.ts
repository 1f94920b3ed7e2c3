import { block, textOf } from "./text";

interface ProxyError {
  /** Statuses by which nginx itself knows it. */
  on: number[];
  status: number;
  /** The code in `X-Mtls-Proxy-Error`, a variable where it depends on the request. */
  code: string;
  message: string;
  /** Requests so broken that they have no path cannot enter a named location: nginx answers 500 then. */
  withoutPath?: boolean;
  /** What stands first in its location. */
  before?: string[];
}

/** Every answer that the proxy gives in its own name. Codes are promises to callers: none is ever renamed. */
const ERRORS: ProxyError[] = [
  { on: [403], status: 403, code: "$refusal", message: "$refusal_message" },
  { on: [404], status: 404, code: "no_such_destination", message: "No destination has this path." },
  {
    on: [400, 408, 501, 505],
    status: 400,
    code: "bad_request",
    message: "The request is malformed.",
    withoutPath: true,
  },
  { on: [405], status: 405, code: "method_not_allowed", message: "The proxy does not forward this method." },
  { on: [497], status: 400, code: "tls_required", message: "This port speaks TLS only: use https." },
  {
    on: [426],
    status: 400,
    code: "upgrade_not_supported",
    message: "The proxy forwards requests and answers, and no upgraded connections such as WebSocket.",
  },
  { on: [413], status: 413, code: "body_too_large", message: "The body is larger than limits.bodyMegabytes." },
  { on: [414], status: 414, code: "uri_too_large", message: "The URL is longer than 32 KiB.", withoutPath: true },
  {
    on: [431, 494],
    status: 431,
    code: "headers_too_large",
    message: "A header is longer than 32 KiB.",
    withoutPath: true,
  },
  { on: [429], status: 429, code: "rate_limited", message: "Too many requests: see limits in the settings." },
  { on: [502, 503], status: 502, code: "$unanswered", message: "$unanswered_message" },
  {
    on: [504],
    status: 504,
    code: "destination_timeout",
    message: "The destination did not answer in time.",
    // a connection that was not made in time is as harmless to repeat as one that was refused
    before: block("if ($unanswered = destination_unreachable)", "return 502;"),
  },
  { on: [500], status: 500, code: "internal_error", message: "The proxy failed; its error log says why." },
];

/** Every code that can stand in `X-Mtls-Proxy-Error`, with its status. */
export const PROXY_ERROR_STATUSES: Record<string, number> = Object.fromEntries([
  ...[
    "address_not_listed",
    "client_certificate_required",
    "client_certificate_expired",
    "client_certificate_rejected",
    "client_not_listed",
  ].map((code) => [code, 403]),
  ...["destination_unreachable", "destination_failed"].map((code) => [code, 502]),
  ...ERRORS.filter(({ code }) => !code.startsWith("$")).map(({ code, status }) => [code, status]),
]);

/** Where a refused request goes: a place behind the limits, which a `return` in the server block would answer before. */
const REFUSED = "/.mtls-proxy/refused";

export const errorMessages = (): string =>
  textOf([
    block(
      "map $refusal $refusal_message",
      'default "";',
      'address_not_listed "Calls from this address are not let in: see ingress in the settings.";',
      'client_certificate_required "Present the client certificate that the proxy issued.";',
      'client_certificate_expired "The client certificate is expired, or ends within a day: renew and deploy it.";',
      'client_certificate_rejected "The client certificate was not issued by this CA for this use.";',
      'client_not_listed "The client, or this generation of its certificate, is not listed.";',
    ),
    "",
    "# Without a connection nothing was sent, and any request may be repeated.",
    block(
      "map $upstream_connect_time $unanswered",
      "default destination_failed;",
      '"~^(-(, | : )?)*$" destination_unreachable;',
    ),
    block(
      "map $unanswered $unanswered_message",
      'default "The destination broke off before its answer was complete.";',
      'destination_unreachable "The destination could not be connected to, or its certificate was refused; nothing was sent.";',
    ),
  ]);

export const errors = (): string =>
  textOf([
    "# Refusals come first, whatever is asked for; the server block's rule, so that no location can forget it.",
    block("if ($refusal)", `rewrite ^ ${REFUSED} last;`),
    "recursive_error_pages on;",
    `error_page 495 496 ${REFUSED};`,
    block(
      `location = ${REFUSED}`,
      "internal;",
      "# A stranger is told who may come in, not how much.",
      "client_max_body_size 0;",
      "# Never there: the way to an error of a phase that comes after the limits.",
      "try_files /none =403;",
      "# That it is not there is remembered: a flood of strangers costs no look at the disk.",
      "open_file_cache max=1;",
      "open_file_cache_errors on;",
    ),
    "",
    "# What a destination answers is passed as it is; these are the proxy's own words, in JSON with a code.",
    ...ERRORS.flatMap(errorLocation),
  ]);

function errorLocation({ on, status, code, message, withoutPath, before = [] }: ProxyError): string[] {
  const name = code.replace("$", "");
  const target = withoutPath ? `/.mtls-proxy/errors/${name}` : `@${name}`;
  return [
    `error_page ${on.join(" ")} =${status} ${target};`,
    ...block(
      withoutPath ? `location = ${target}` : `location ${target}`,
      "internal;",
      ...before,
      "default_type application/json;",
      `add_header X-Mtls-Proxy-Error ${code} always;`,
      "add_header Cache-Control no-store always;",
      `return ${status} '{"error":"${code}","message":"${message}"}\\n';`,
    ),
    "",
  ];
}
