import assert from "node:assert/strict";
import { atLeast, parseSettings, type Settings, type Target } from "@app-builder-mtls/proxy";
import fc from "fast-check";
import { issueCa, issueClient } from "../support/certificates";
import { nginxUnderTest } from "../support/nginx";
import { checkWithNginx, writeProxyFiles } from "../support/nginxCheck";

const LONGEST = "a".repeat(63);
const LONGEST_HOST = [LONGEST, LONGEST, LONGEST, "b".repeat(49), "example.com"].join(".");

const one = { url: "https://localhost" };
const local = (settings: Record<string, unknown>): Settings =>
  parseSettings({ allowLocalDestinations: true, ...settings });
const many = (count: number, more: (index: number) => Record<string, unknown> = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({ name: `d-${index}`, path: `/d/${index}/`, ...one, ...more(index) }));

const CASES: Record<string, () => Promise<Settings>> = {
  "one destination": async () => local({ destinations: [one] }),
  "twenty destinations": async () => local({ destinations: many(20) }),
  "as many destinations and clients as are allowed": async () =>
    local({
      destinations: many(50, (index) => ({
        name: `${LONGEST.slice(3)}-${String(index).padStart(2, "0")}`,
        serverName: LONGEST_HOST,
      })),
      clients: Array.from({ length: 100 }, (_, index) => ({
        name: `${LONGEST.slice(4)}-${String(index).padStart(3, "0")}`,
        generation: 1_000_000,
        accept: Array.from({ length: 10 }, (_, back) => 1_000_000 - back),
      })),
    }),
  "every optional setting on": async () => {
    const { cert, key } = await issueClient(await issueCa());
    return local({
      destinations: many(3, (index) => ({
        url: "https://127.0.0.1:8443",
        serverName: "backend.example.com",
        stripPath: index !== 1,
        ca: cert,
        clientCert: cert,
        clientKey: key,
        connectTimeoutSeconds: 60,
        readTimeoutSeconds: 3600,
      })),
      clients: [{ name: "app-builder", generation: 2, accept: [1, 2] }, { name: "partner-x" }],
      port: 20_000,
      hostname: LONGEST_HOST,
      limits: {
        bodyMegabytes: 10_240,
        requestsPerSecondPerClient: 100_000,
        requestsPerSecondPerAddress: 100_000,
        concurrentRequestsPerClient: 65_535,
        concurrentRequestsPerAddress: 65_535,
      },
      logFormat: "text",
    });
  },
  "every limit off": async () =>
    local({
      destinations: [one],
      limits: {
        bodyMegabytes: 1,
        requestsPerSecondPerClient: 0,
        requestsPerSecondPerAddress: 0,
        concurrentRequestsPerClient: 0,
        concurrentRequestsPerAddress: 0,
      },
    }),
  "RSA certificates": async () => local({ destinations: [one], certificates: { keyAlgorithm: "RSA-2048" } }),
  "names and paths that nginx could take for words or signs of its own": async () => {
    const names = [
      "default",
      "include",
      "hostnames",
      "volatile",
      "if",
      "set",
      "on",
      "0",
      "1",
      "a--b",
      "server",
      "unix",
    ];
    const paths = ["~", "~x", "-", "_", "--x~._-", "0", "if", "~*.php", "a..b", "a.~", "unix", "__proto__"];
    return local({
      destinations: names.map((name, index) => ({ ...one, name, path: `/${paths[index]?.replace("*", "")}/` })),
      clients: names.map((name) => ({ name })),
    });
  },
  "whatever else the settings accept": async () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    const path = fc.stringMatching(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,40}){1,4}\/$/);
    const [names = [], paths = []] = [label, path].map((strings) => [...new Set(fc.sample(strings, 20))]);
    const apart = paths.filter((path, index) => paths.every((other, at) => at === index || !path.startsWith(other)));
    return local({
      destinations: apart.flatMap((path, index) => (names[index] ? [{ ...one, name: names[index], path }] : [])),
      clients: names.filter((name) => name !== "probe").map((name) => ({ name })),
    });
  },
  "a destination by IPv6 address": async () =>
    local({ destinations: [{ url: "https://[2001:db8::1]:8443", serverName: "six.example.com" }] }),
};

describe("nginx loads, without a warning,", function () {
  this.timeout(60_000);

  for (const [what, settings] of Object.entries(CASES)) {
    it(what, () => assertLoads(settings));
  }

  it("several addresses to listen on", () => assertLoads(CASES["one destination"], { listen: ["0.0.0.0", "[::]"] }));

  it("a port for the health checks of a load balancer", () =>
    assertLoads(CASES["one destination"], { listen: ["0.0.0.0", "[::]"], health: true }));

  it("names that do not resolve, where nginx follows names by itself", async () => {
    const { version } = await nginxUnderTest();
    const resolver = ["127.0.0.1"];
    const settings = async () => parseSettings({ destinations: [{ url: "https://nowhere.example.invalid" }] });
    if (atLeast({ nginxVersion: version }, "1.27.3")) await assertLoads(settings, { resolver });
    else await assert.rejects(assertLoads(settings, { resolver }), /host not found in upstream/);
  });
});

async function assertLoads(
  settings: (() => Promise<Settings>) | undefined,
  target: Partial<Target> = {},
): Promise<void> {
  assert.ok(settings);
  await using written = await writeProxyFiles(await settings(), target);
  assert.equal(await checkWithNginx(written.directory), "");
}
