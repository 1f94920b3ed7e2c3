import { CredentialsError, UrlError } from "./errors";

/**
 * The origin that the proxy answers at.
 *
 * @throws {CredentialsError} ERR_MTLS_ENDPOINT_INVALID. It has no `cause`: Node's error quotes the value, and the value may be a key in the wrong variable.
 */
export function endpointOrigin(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isOriginAlone =
    url?.protocol === "https:" && url.pathname === "/" && !/[?#@]/.test(value) && url.username + url.password === "";
  if (url === undefined || !isOriginAlone) {
    throw new CredentialsError(
      "ERR_MTLS_ENDPOINT_INVALID",
      "__AIO_MTLS_ENDPOINT is not an https origin. Write `https://host` or `https://host:port`, and nothing after it.",
    );
  }
  return url.origin;
}

/**
 * A path that, behind the endpoint, cannot leave it: a host's name ends at the first slash. Not what begins with two slashes, which is a
 * host's name itself, also with a backslash, or with a tab or line feed in between, which URLs are cleared of.
 */
const PLAIN_PATH = /^\/(?![/\\\t\n\r])/;

/**
 * An absolute URL for what an action asks for.
 *
 * @param input - a path with a query, or a whole URL at the endpoint
 * @throws {UrlError} ERR_MTLS_URL_INVALID, ERR_MTLS_URL_OUTSIDE_ENDPOINT
 */
export function urlAt(endpoint: string, input: string | URL): string {
  // Not instanceof: a URL of jest's own realm is one as well.
  const text = typeof input === "string" ? input : input?.href;
  if (typeof text === "string" && PLAIN_PATH.test(text)) return endpoint + text;
  const url = typeof text === "string" ? parsed(text, endpoint) : undefined;
  if (url === undefined) {
    throw new UrlError(
      "ERR_MTLS_URL_INVALID",
      "The fetch takes a path such as `/path?param=value`, or a URL at the endpoint.",
    );
  }
  if (url.origin !== endpoint || url.username + url.password !== "") {
    throw new UrlError(
      "ERR_MTLS_URL_OUTSIDE_ENDPOINT",
      `The URL is not at ${endpoint}, where alone this fetch goes. Pass a path, never a URL from the action's request.`,
    );
  }
  return url.href;
}

/** URL.parse, which Node has from 22.1; asking canParse first would read every good URL twice. */
function parsed(text: string, base: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** @throws {UrlError} ERR_MTLS_REDIRECT_OUTSIDE_ENDPOINT, before anything is sent there. */
export function refuseForeignRedirect(endpoint: string, target: URL): void {
  if (target.origin === endpoint) return;
  throw new UrlError(
    "ERR_MTLS_REDIRECT_OUTSIDE_ENDPOINT",
    `The answer redirects to ${target.origin}, which is not ${endpoint}; it is not followed. Use \`redirect: "manual"\` to read its Location.`,
  );
}
