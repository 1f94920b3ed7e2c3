import type { Files } from "../bundle";
import type { Destination, Settings } from "../settings";
import { addresses } from "./addresses";
import { answers } from "./answers";
import { destinationLocation, destinationUpstream } from "./destinations";
import { errorMessages, errors } from "./errors";
import { health } from "./health";
import { identities } from "./identities";
import { limitUses, limitZones } from "./limits";
import { logging } from "./logging";
import { main } from "./main";
import { outline } from "./outline";
import { requests } from "./requests";
import { knownDestinations, status } from "./status";
import type { Target } from "./target";
import { tls } from "./tls";

export { PROXY_ERROR_STATUSES } from "./errors";
export { HEALTH_PATH, HEALTH_PORT } from "./health";
export type { Outcome } from "./logging";
export { STATUS_PATH } from "./status";
export { atLeast, type Target } from "./target";

/**
 * nginx's files for a proxy, by their path inside the bundle. Plain: no clock, no disk, the same settings give the same texts.
 * `server.crt`, `server.key` and `client-ca.crt` are added by whoever made the certificates.
 */
export function nginxFiles(settings: Settings, target: Target): Files {
  return {
    "nginx.conf": main(settings, target),
    "tls.conf": tls(settings),
    "answers.conf": answers(),
    "addresses.conf": addresses(settings),
    "identities.conf": identities(settings),
    "error-messages.conf": errorMessages(),
    "errors.conf": errors(),
    "limit-zones.conf": limitZones(settings),
    "limits.conf": limitUses(settings),
    "logging.conf": logging(settings),
    "requests.conf": requests(target),
    "status.conf": status(settings),
    "status-destinations.conf": knownDestinations(settings),
    "outline.json": outline(settings, target),
    ...(target.health && { "health.conf": health(target) }),
    ...Object.assign(
      {},
      ...settings.destinations.map((destination) => destinationFiles(destination, settings, target)),
    ),
  };
}

function destinationFiles(destination: Destination, settings: Settings, target: Target): Files {
  const { name, ca, clientCert, clientKey } = destination;
  return {
    [`destinations/${name}.upstream.conf`]: destinationUpstream(destination, settings, target),
    [`destinations/${name}.conf`]: destinationLocation(destination, target),
    ...(ca && { [`destinations/${name}.ca.crt`]: ca }),
    ...(clientCert && { [`destinations/${name}.client.crt`]: clientCert }),
    ...(clientKey && { [`destinations/${name}.client.key`]: clientKey }),
  };
}
