import { RESERVED_PATH, type Settings } from "../settings";
import { WORKER_CONNECTIONS } from "./connections";
import type { Target } from "./target";
import { block, textOf } from "./text";

/** Directories that nginx makes and hardly uses; named, so that they are not the distribution's, which only root may write. */
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

export const main = ({ destinations, port }: Settings, { listen, health }: Target): string =>
  textOf([
    "# Made by app-builder-mtls-proxy from its settings; a change made here is lost with the next bundle.",
    "worker_processes auto;",
    "worker_rlimit_nofile 16384;",
    "# The longest action lives 60 s: it may finish, and no removed client stays.",
    "worker_shutdown_timeout 65s;",
    "pid nginx.pid;",
    "# It holds whole request lines, so it stays on the machine.",
    "error_log logs/error.log warn;",
    "",
    block("events", `worker_connections ${WORKER_CONNECTIONS};`),
    "",
    block(
      "http",
      TEMPORARY.map((kind) => `${kind}_temp_path temp_${kind};`),
      "# Destinations' names are parts of variables' names and may have 63 characters; the default of 64 holds 50.",
      "variables_hash_bucket_size 128;",
      "include version.conf;",
      "include addresses.conf;",
      "include identities.conf;",
      "include error-messages.conf;",
      "include limit-zones.conf;",
      "include logging.conf;",
      "include answers.conf;",
      "include status-destinations.conf;",
      destinations.map(({ name }) => `include destinations/${name}.upstream.conf;`),
      "",
      "# The only server block on its addresses: between two, TLS sessions could change hands (CVE-2025-23419).",
      block(
        "server",
        listen.map((address) => `listen ${address}:${port} ssl;`),
        "include tls.conf;",
        "include requests.conf;",
        "include limits.conf;",
        "include errors.conf;",
        "include status.conf;",
        destinations.map(({ name }) => `include destinations/${name}.conf;`),
        "# The proxy's own paths reach no destination, even one at /.",
        block(`location ${RESERVED_PATH}`, "return 404;"),
        destinations.some(({ path }) => path === "/") ? undefined : block("location /", "return 404;"),
      ),
      health ? "include health.conf;" : undefined,
    ),
  ]);
