import { type Destination, PROBE_CLIENT, type Settings } from "../settings";
import { UNFRAMED_ANSWERS } from "./answers";
import { keptToEach } from "./connections";
import { atLeast, type Target } from "./target";
import { block, type Lines, regexOf, textOf } from "./text";

/** nginx's variables have no hyphens, and labels no underscores: the two never meet. */
const variable = (name: string): string => `$target_${name.replaceAll("-", "_")}`;
const upstream = (name: string): string => `destination-${name}`;

/** Spellings of X-Mtls-Client that a CGI-like backend reads as the same header. */
const FORGEABLE = ["X_Mtls_Client", "X-Mtls_Client", "X_Mtls-Client"];

/** A destination's servers, and what of a request's raw path is sent to them: the part of the file that stands outside the server block. */
export function destinationUpstream(destination: Destination, settings: Settings, target: Target): string {
  return textOf([
    ...rawTarget(destination, settings.destinations),
    "",
    ...block(
      `upstream ${upstream(destination.name)}`,
      ...server(destination, target),
      "# Connections that each worker keeps open to the destination; worth a factor of nine (our measurement).",
      `keepalive ${keptToEach(settings.destinations.length)};`,
    ),
  ]);
}

/**
 * The path as it came, byte for byte: nginx's own path is decoded, merged and resolved, and `proxy_pass` with a URI sends that.
 * Empty when the raw path has another prefix than the decoded one by which the location was found.
 */
function rawTarget({ name, path, stripPath }: Destination, all: Destination[]): string[] {
  const others = all
    .filter((other) => other.path !== "/" && other.path !== path)
    .map((other) => regexOf(other.path.slice(0, -1)));
  const rest = stripPath ? "$1" : "$request_uri";
  return block(
    `map $request_uri ${variable(name)}`,
    'default "";',
    path === "/" && others.length > 0 ? `"~^(${others.join("|")})(/|\\?|$)" "";` : undefined,
    `"~^${regexOf(path.slice(0, -1))}(/.*)$" ${path === "/" ? "$request_uri" : rest};`,
  );
}

function server({ name, url }: Destination, target: Target): Lines {
  const { hostname, port } = new URL(url);
  const address = `${hostname}:${port || 443}`;
  const lasting = [
    "# nginx counts a slow answer as a failure of its address; one of each address would shut the destination out for 10 s.",
    `server ${address} ${followed(target) ? "resolve " : ""}max_fails=0;`,
  ];
  if (!followed(target)) return lasting;
  return [
    "# 1.27.3: nginx follows the name's addresses by itself, and starts without them.",
    `zone ${upstream(name)} 256k;`,
    `resolver ${target.resolver.join(" ")};`,
    "resolver_timeout 5s;",
    lasting,
  ];
}

/** Whether nginx looks names up by itself; `server … resolve` came with 1.27.3. */
const followed = (target: Target): target is Target & { resolver: string[] } =>
  target.resolver !== undefined && atLeast(target, "1.27.3");

/** A destination's location: the part that stands inside the server block. */
export function destinationLocation(destination: Destination, target: Target): string {
  const { name, path, connectTimeoutSeconds, readTimeoutSeconds } = destination;
  return textOf([
    // nginx would redirect to the prefix with its slash by itself
    path === "/" ? undefined : block(`location = ${path.slice(0, -1)}`, "return 404;"),
    block(
      `location ${path}`,
      `set $destination ${name};`,
      block(`if ($mtls_client = ${PROBE_CLIENT})`, "return 404;"),
      block(`if (${variable(name)} = "")`, "return 404;"),
      "# A destination that answers 101 to one of these would get a tunnel past every later check.",
      block("if ($http_upgrade)", "return 426;"),
      `proxy_pass https://${upstream(name)}${variable(name)};`,
      "proxy_http_version 1.1;",
      "",
      "# Who calls is said by the proxy alone.",
      `proxy_set_header Host ${hostHeader(destination)};`,
      'proxy_set_header Connection "";',
      "proxy_set_header X-Mtls-Client $mtls_client;",
      FORGEABLE.map((header) => `proxy_set_header ${header} "";`),
      "",
      ...verifiedDestination(destination, target),
      "",
      ...untrustedAnswers(destination),
      "",
      "# Bodies pass as they come, in both directions: memory stays bounded and nothing touches a disk.",
      "proxy_request_buffering off;",
      "proxy_buffering off;",
      "# Response headers of 32 KiB; the second line only satisfies nginx's check that buffers fit together.",
      "proxy_buffer_size 32k;",
      "proxy_buffers 4 32k;",
      "",
      `proxy_connect_timeout ${connectTimeoutSeconds}s;`,
      `proxy_read_timeout ${readTimeoutSeconds}s;`,
      "proxy_send_timeout 30s;",
      "# Another address of the same name is tried within this time, and not after a long read.",
      `proxy_next_upstream_timeout ${connectTimeoutSeconds * 2}s;`,
    ),
  ]);
}

/** The name by which a destination knows itself. */
export const nameOf = ({ url, serverName }: Destination): string => serverName ?? new URL(url).hostname;

function hostHeader(destination: Destination): string {
  const { port } = new URL(destination.url);
  return port ? `${nameOf(destination)}:${port}` : nameOf(destination);
}

function verifiedDestination(destination: Destination, target: Target): Lines {
  const { name, ca, clientCert } = destination;
  return [
    "# Verified always; there is no setting to switch it off.",
    "proxy_ssl_verify on;",
    "# Public CAs put one or two certificates between root and leaf; the default of 1 refuses the second.",
    "proxy_ssl_verify_depth 5;",
    `proxy_ssl_trusted_certificate ${ca ? `destinations/${name}.ca.crt` : target.systemCa};`,
    "proxy_ssl_server_name on;",
    `proxy_ssl_name ${nameOf(destination)};`,
    "proxy_ssl_protocols TLSv1.2 TLSv1.3;",
    clientCert ? `proxy_ssl_certificate destinations/${name}.client.crt;` : undefined,
    clientCert ? `proxy_ssl_certificate_key destinations/${name}.client.key;` : undefined,
  ];
}

function untrustedAnswers(destination: Destination): Lines {
  const { url, path, stripPath } = destination;
  const { hostname, port } = new URL(url);
  const hosts = [...new Set([hostname, nameOf(destination)])].map(regexOf).join("|");
  const origin = `(?:https:)?//(?:${hosts})${port ? `:${port}` : "(?::443)?"}`;
  const prefix = stripPath ? path : "/";
  return [
    "# A destination is not trusted: it cannot steer nginx, nor speak in the proxy's name.",
    "proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;",
    "proxy_hide_header X-Mtls-Proxy-Error;",
    "proxy_hide_header X-Mtls-Client;",
    "proxy_pass_header Server;",
    "proxy_pass_header Date;",
    "# A Location on the destination itself is put under its prefix; one elsewhere is passed as it is.",
    `proxy_redirect ~*^${origin}/(.*)$ ${prefix}$1;`,
    `proxy_redirect ~*^${origin}$ ${prefix};`,
    `proxy_redirect ~*^${origin}([?#].*)$ ${prefix}$1;`,
    prefix === "/" ? undefined : `proxy_redirect ~^/(?!/)(.*)$ ${prefix}$1;`,
    UNFRAMED_ANSWERS,
  ];
}
