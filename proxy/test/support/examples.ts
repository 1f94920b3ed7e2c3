import { parseSettings, type Settings, type Target } from "../../index";

/** Settings and a place for them that together use everything, or as little as possible. */
export interface Example {
  settings: Settings;
  target: Target;
}

const minimal: Example = {
  settings: parseSettings({ destinations: [{ url: "https://api.example.com" }] }),
  target: { nginxVersion: "1.22.1", listen: ["127.0.0.1"], systemCa: "../system-ca.crt" },
};

/** Certificates are named and not made: what is in them is no text of nginx's. */
const WITH_CERTIFICATES = { ca: "the CA\n", clientCert: "the certificate\n", clientKey: "the key\n" };

function everything(): Example {
  const settings = parseSettings({
    destinations: [
      { name: "pim", path: "/pim/", url: "https://pim.example.com" },
      {
        name: "orders",
        path: "/orders/v1.2/",
        stripPath: false,
        url: "https://93.184.215.14:8443",
        serverName: "orders.example.com",
        connectTimeoutSeconds: 3,
        readTimeoutSeconds: 300,
      },
      { name: "rest", url: "https://rest.example.com" },
    ],
    clients: [{ name: "app-builder", generation: 3, accept: [2, 3] }, { name: "partner-x" }],
    port: 10443,
    hostname: "mtls.example.com",
    ingress: {
      ipList: {
        regions: { amer: ["198.51.100.0/32", "198.51.100.1/32"], emea: ["203.0.113.64/26"], aus: ["192.0.2.9/32"] },
        version: 3,
        lastUpdated: "2026-04-19T08:00:00Z",
      },
      regions: ["amer", "emea"],
      addresses: ["192.0.2.77"],
    },
    limits: {
      bodyMegabytes: 10,
      requestsPerSecondPerClient: 100,
      requestsPerSecondPerAddress: 50,
      concurrentRequestsPerClient: 400,
      concurrentRequestsPerAddress: 200,
    },
    logFormat: "text",
    certificates: { keyAlgorithm: "RSA-2048" },
  });
  const destinations = settings.destinations.map((one) =>
    one.name === "orders" ? { ...one, ...WITH_CERTIFICATES } : one,
  );
  return {
    settings: { ...settings, destinations },
    target: {
      nginxVersion: "1.30.1",
      listen: ["0.0.0.0", "[::]"],
      systemCa: "/etc/ca.pem",
      resolver: ["10.0.0.2"],
      health: true,
    },
  };
}

export const EXAMPLES: Record<string, Example> = { minimal, everything: everything() };
