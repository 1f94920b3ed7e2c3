import type { Settings } from "../settings";
import { nameOf } from "./destinations";
import type { Target } from "./target";

/**
 * What the bundle holds, for sync: it asks the proxy and the destinations how they are, and nginx's files are not for reading.
 * Paths are relative to the bundle, or absolute.
 */
export function outline({ port, clients, destinations }: Settings, target: Target): string {
  const content = {
    port,
    clients: clients.map(({ name }) => name),
    destinations: destinations.map((destination) => {
      const { name, path, url, ca, clientCert } = destination;
      const { hostname, port: given } = new URL(url);
      return {
        name,
        path,
        host: hostname.replace(/^\[|\]$/g, ""),
        port: Number(given) || 443,
        serverName: nameOf(destination),
        ca: ca ? `destinations/${name}.ca.crt` : target.systemCa,
        clientCert: clientCert && `destinations/${name}.client.crt`,
        clientKey: clientCert && `destinations/${name}.client.key`,
      };
    }),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
