import { PROBE_CLIENT, type Settings } from "../settings";
import { block, type Lines, textOf } from "./text";

/**
 * How a request ended, which is what the metrics count: each is one of these, whatever its status.
 * `answered`, `destination_error`, `proxy_error` and `abandoned` (by the caller) were let in; `refused` came with a
 * certificate, `stranger` without one; `probe` is the machine itself.
 */
export type Outcome = "answered" | "destination_error" | "proxy_error" | "abandoned" | "refused" | "stranger" | "probe";

/** What stands for "none" where a field is a number. */
const NONE = -1;

/** Names of a log line's fields and nginx's variables; `number` is written without quotes. */
const FIELDS: [name: string, variable: string, kind?: "number"][] = [
  ["time", "$time_iso8601"],
  ["id", "$request_id"],
  ["address", "$remote_addr"],
  ["client", "$mtls_client"],
  ["certificate", "$ssl_client_serial"],
  ["certificateDays", "$certificate_days", "number"],
  ["destination", "$destination"],
  ["method", "$request_method"],
  ["path", "$path_without_query"],
  ["outcome", "$outcome"],
  ["status", "$status_number", "number"],
  ["error", "$sent_http_x_mtls_proxy_error"],
  ["destinationStatus", "$upstream_status"],
  ["seconds", "$request_time", "number"],
  ["connectSeconds", "$connect_seconds", "number"],
  ["destinationSeconds", "$destination_seconds", "number"],
  ["bytesReceived", "$request_length", "number"],
  ["bytesSent", "$bytes_sent", "number"],
  ["tls", "$ssl_protocol"],
  ["resumed", "$ssl_session_reused"],
  ["connectionRequest", "$connection_requests", "number"],
];

export const logging = ({ logFormat }: Settings): string =>
  textOf([
    "# No query string and no header is logged: both carry keys and personal data often enough.",
    block("map $request_uri $path_without_query", 'default "";', '"~^(?<raw_path>[^?]*)" $raw_path;'),
    "# An answer without a status line has the status 009, which is no number of JSON.",
    block("map $status $status_number", "default $status;", '"~^0" 0;'),
    "# A destination's location sets it; a request that fails before has none.",
    block('map "" $destination', 'default "";'),
    ...(logFormat === "json" ? [numbers(), outcomes(), jsonFormat()] : [textFormat()]),
    "access_log logs/access.log main;",
  ]);

/** Several addresses, several times: the last is that of the answer. */
function numbers(): Lines {
  const last = (variable: string, from: string) =>
    block(`map ${from} ${variable}`, `default ${NONE};`, `"~(?<last_time>[0-9.]+)$" $last_time;`);
  return [
    "# Numbers, so that they can be summed and compared; where nginx has none, or several, it writes a text.",
    last("$connect_seconds", "$upstream_connect_time"),
    last("$destination_seconds", "$upstream_response_time"),
    block("map $ssl_client_v_remain $certificate_days", `default ${NONE};`, '"~^(?<days>[0-9]+)$" $days;'),
  ];
}

/** The first line that fits tells. */
function outcomes(): Lines {
  const ended: [outcome: Outcome, as: string][] = [
    ["probe", `^${PROBE_CLIENT}/`],
    ["destination_error", "^[^/]*/destination_"],
    ["proxy_error", "^[^/]*/internal_error/"],
    ["refused", "^[^/]*/[^/]+/.*/(SUCCESS|FAILED)"],
    ["stranger", "/(NONE|FAILED[^/]*)?$"],
    ["abandoned", "^[^/]*//(499/|4[0-9][0-9]//)"],
    ["proxy_error", "^[^/]*//5[0-9][0-9]//"],
    ["destination_error", "^[^/]*//[015]"],
  ];
  return [
    "# Who calls, the proxy's own code if it answered itself, the status, the destination's, and the certificate's judgement.",
    block(
      'map "$mtls_client/$sent_http_x_mtls_proxy_error/$status/$upstream_status/$ssl_client_verify" $outcome',
      "default answered;",
      ended.map(([outcome, as]) => `"~${as}" ${outcome};`),
    ),
  ];
}

function jsonFormat(): string {
  const members = FIELDS.map(([name, variable, kind]) => `"${name}":${kind === "number" ? variable : `"${variable}"`}`);
  return `log_format main escape=json '{${members.join(",")}}';`;
}

function textFormat(): string {
  const columns = [
    "$time_iso8601",
    "$mtls_client",
    "$destination",
    "$status",
    "$sent_http_x_mtls_proxy_error",
    "$request_time",
  ];
  return `log_format main '${columns.map((column) => `"${column}"`).join(" ")} "$request_method $path_without_query"';`;
}
