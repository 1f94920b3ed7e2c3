import type { Settings } from "../settings";
import { block, textOf } from "./text";

/** Names of a log line's fields and nginx's variables; `number` is written without quotes. */
const FIELDS: [name: string, variable: string, kind?: "number"][] = [
  ["time", "$time_iso8601"],
  ["id", "$request_id"],
  ["address", "$remote_addr"],
  ["client", "$mtls_client"],
  ["certificate", "$ssl_client_serial"],
  ["destination", "$destination"],
  ["method", "$request_method"],
  ["path", "$path_without_query"],
  ["status", "$status_number", "number"],
  ["error", "$sent_http_x_mtls_proxy_error"],
  ["destinationStatus", "$upstream_status"],
  ["seconds", "$request_time", "number"],
  ["connectSeconds", "$upstream_connect_time"],
  ["destinationSeconds", "$upstream_response_time"],
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
    logFormat === "json" ? jsonFormat() : textFormat(),
    "access_log logs/access.log main;",
  ]);

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
