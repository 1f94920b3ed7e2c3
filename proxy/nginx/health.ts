import type { Target } from "./target";
import { block, textOf } from "./text";

/** Where a fleet's load balancer asks how the machine is, over plain HTTP; no setting can give the proxy this port. */
export const HEALTH_PORT = 8080;
export const HEALTH_PATH = "/health";

/**
 * 200 as long as sync keeps a file that says that the version which this nginx has loaded was proven to serve, else 503:
 * before the proof, and when the machine is about to leave. Port, path and limits are the fleet's alone, so that nothing
 * which stands in the proxy's own server block holds here, and nothing here holds there.
 */
export const health = ({ listen }: Target): string =>
  textOf(
    block(
      "server",
      listen.map((address) => `listen ${address}:${HEALTH_PORT};`),
      "# Asked every few seconds for as long as the machine lives.",
      "access_log off;",
      "server_tokens off;",
      "# A check is one short request on a connection of its own; whoever sends more, or is slower, is no load balancer.",
      "keepalive_timeout 0;",
      "client_header_timeout 5s;",
      "client_body_timeout 5s;",
      "send_timeout 5s;",
      "large_client_header_buffers 2 1k;",
      "client_max_body_size 1;",
      block(
        `location = ${HEALTH_PATH}`,
        block("if ($request_method !~ ^(GET|HEAD)$)", "return 405;"),
        "default_type text/plain;",
        "add_header Cache-Control no-store;",
        "root state;",
        "try_files /$bundle_version.ready =503;",
      ),
      block("location /", "return 404;"),
    ),
  );
