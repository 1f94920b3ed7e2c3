import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Issued } from "../../cli/src/certificates";
import { freePort } from "../../cli/src/local/ports";
import { FAULTS } from "../../cli/src/verify/faults";
import { type Backend, startBackend, startRawBackend } from "../support/backend";
import { DAY_MS, fromNow, issueCa, issueClient, issueServer } from "../support/certificates";
import { temporaryDirectory } from "../support/directory";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { alter, replace } from "./support/altered";
import { withShortKey } from "./support/shortKey";
import {
  httpServer,
  httpsServer,
  isOfCa,
  issuerOf,
  plainBesideTls,
  type Respond,
  refuse,
  type StandIn,
  strictTlsServer,
  tlsEndingBalancer,
} from "./support/standIns";
import { faultsIn, filesOf, report, seenFaults, stackOf, syncSays, type Target } from "./support/verifying";

const LOCAL = { names: ["127.0.0.1", "localhost"] };
const MINUTE_MS = 60_000;

/** What is found at a target, as `check: fault`; every one with what to do. */
async function faultsAt(target: Target, ...more: string[]): Promise<string[]> {
  await using directory = await temporaryDirectory();
  const found = await report([...(await filesOf(target, directory.path)), ...more]);
  for (const { outcome, fault, next } of found.checks) {
    assert.equal(outcome === "failed", fault !== undefined);
    if (outcome === "failed") assert.ok(next, `what to do about ${fault}`);
  }
  assert.equal(found.ok, faultsIn(found).length === 0);
  return faultsIn(found);
}

const somePort = () => freePort(10_000 + Math.floor(Math.random() * 9_000));

/** Credentials for something that is not a proxy of ours. */
async function strangeTarget(endpoint: string): Promise<Target> {
  const ca = await issueCa();
  return { endpoint, ca, client: await issueClient(ca) };
}

/** A stand-in for a proxy whose certificate is right. */
async function standInFor(respond: Respond): Promise<{ standIn: StandIn; target: Target }> {
  const ca = await issueCa();
  const standIn = await httpsServer(await issueServer(ca, LOCAL), respond, ca);
  return { standIn, target: { endpoint: standIn.endpoint, ca, client: await issueClient(ca) } };
}

/** Answers as a proxy on a desk does. */
const proxyLike: Respond = (request, response) => {
  if (isOfCa(request)) response.end(JSON.stringify({ bundleVersion: "1", destinations: [] }));
  else refuse(response, "client_certificate_rejected");
};

describe("mtls-proxy verify names the fault", function () {
  this.timeout(60_000);
  let backend: Backend;

  before(async () => {
    backend = await startBackend();
  });
  after(async () => {
    await backend[Symbol.asyncDispose]();
  });

  const start = (settings: Record<string, unknown> = {}): Promise<TestProxy> =>
    startProxy({ destinations: [destinationOf(backend)], ...settings });

  /** The proxy with one of its own certificates replaced. */
  async function withServerCertificate(proxy: TestProxy, server: Issued): Promise<void> {
    await replace(proxy, "server.key", server.key);
    await alter(proxy, "server.crt", () => server.cert);
  }

  describe("of the way there", () => {
    it("when nothing listens", async () => {
      const target = await strangeTarget(`https://127.0.0.1:${await somePort()}`);
      assert.deepEqual(await faultsAt(target), ["reachable: nothing_listens"]);
    });

    it("when the host has no address", async () => {
      const target = await strangeTarget("https://no-such-host.invalid");
      assert.deepEqual(await faultsAt(target), ["reachable: name_unknown"]);
    });

    it("when no way leads there", async () => {
      // the kernel itself refuses to connect to the broadcast address
      const target = await strangeTarget("https://255.255.255.255");
      assert.deepEqual(await faultsAt(target), ["reachable: no_route"]);
    });

    it("when http without TLS is what listens", async () => {
      await using standIn = await httpServer((_, response) => response.end("hello"));
      assert.deepEqual(await faultsAt(await strangeTarget(standIn.endpoint)), [
        "reachable: no_tls",
        "plain-http: plain_http",
      ]);
    });

    it("when the handshake is ended, as by another kind of server that wants a certificate", async () => {
      const ca = await issueCa();
      await using standIn = await strictTlsServer(await issueServer(ca, LOCAL), ca);
      const target = { endpoint: standIn.endpoint, ca, client: await issueClient(ca) };
      assert.deepEqual(await faultsAt(target), ["reachable: tls_refused"]);
    });

    it("when what listens hangs up", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      server.on("connection", (socket) => socket.on("error", () => undefined).destroy());
      try {
        const { port } = server.address() as { port: number };
        assert.deepEqual(await faultsAt(await strangeTarget(`https://127.0.0.1:${port}`)), ["reachable: no_tls"]);
      } finally {
        server.close();
      }
    });

    it("when the proxy is fine and http without TLS is answered beside it", async () => {
      await using proxy = await start();
      await using beside = await plainBesideTls(proxy.port);
      assert.deepEqual(await faultsAt({ ...proxy, endpoint: beside.endpoint }), ["plain-http: plain_http"]);
    });
  });

  describe("of the proxy's certificate", () => {
    it("when it is expired", async () => {
      await using proxy = await start();
      const dates = { notBefore: fromNow(-10 * DAY_MS), notAfter: fromNow(-DAY_MS) };
      await withServerCertificate(proxy, await issueServer(proxy.ca, { ...LOCAL, ...dates }));
      assert.deepEqual(await faultsAt(proxy), ["server-days: server_expired"]);
    });

    it("when it is not valid yet", async () => {
      await using proxy = await start();
      await withServerCertificate(proxy, await issueServer(proxy.ca, { ...LOCAL, notBefore: fromNow(DAY_MS) }));
      assert.deepEqual(await faultsAt(proxy), ["server-days: server_not_yet_valid"]);
    });

    it("when it names another host", async () => {
      await using proxy = await start();
      await withServerCertificate(proxy, await issueServer(proxy.ca, { names: ["proxy.example.com"] }));
      assert.deepEqual(await faultsAt(proxy), ["server-name: server_name"]);
    });

    it("when its key is short", async () => {
      const ca = await issueCa();
      const weak = await withShortKey(await issueServer(ca, LOCAL), ca);
      await using standIn = await httpsServer(weak, proxyLike, ca);
      const target = { endpoint: standIn.endpoint, ca, client: await issueClient(ca) };
      assert.deepEqual(await faultsAt(target), ["server-days: server_key_weak"]);
    });

    it("when the credentials are of another stack", async () => {
      await using proxy = await start();
      const { ca, client } = await strangeTarget(proxy.endpoint);
      assert.deepEqual(await faultsAt({ endpoint: proxy.endpoint, ca, client }), ["server-chain: server_foreign"]);
    });

    it("when it is another's, whatever NODE_TLS_REJECT_UNAUTHORIZED says, and does not show it the client", async () => {
      const [ca, seen] = [await issueCa(), [] as boolean[]];
      const client = await issueClient(ca);
      const watch: Respond = (request, response) => {
        seen.push(isOfCa(request));
        proxyLike(request, response);
      };
      await using stranger = await httpsServer(await issueServer(await issueCa(), LOCAL), watch, ca);
      await using directory = await temporaryDirectory();
      const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" };
      const found = await report(await filesOf({ endpoint: stranger.endpoint, ca, client }, directory.path), { env });
      assert.deepEqual([found.ok, faultsIn(found)], [false, ["server-chain: server_foreign"]]);
      assert.ok(seen.length > 0 && !seen.includes(true), "the stranger has seen no certificate of the client");
    });

    it("when a load balancer with a certificate of its own ends TLS", async () => {
      await using proxy = await start();
      await using balancer = await tlsEndingBalancer(await issueServer(await issueCa(), LOCAL), proxy.port);
      assert.deepEqual(await faultsAt({ ...proxy, endpoint: balancer.endpoint }), [
        "server-chain: server_foreign",
        "asks-for-certificate: no_client_verification",
      ]);
    });

    it("when a load balancer was given the proxy's certificate and ends TLS", async () => {
      await using proxy = await start();
      await using balancer = await tlsEndingBalancer(proxy.certificates.server, proxy.port);
      assert.deepEqual(await faultsAt({ ...proxy, endpoint: balancer.endpoint }), [
        "asks-for-certificate: no_client_verification",
        "serves-client: certificate_lost",
      ]);
    });
  });

  describe("of what TLS is offered", () => {
    it("when TLS 1.0 is on", async () => {
      await using proxy = await start();
      await alter(proxy, "tls.conf", (text) =>
        text
          .replace(/ssl_protocols .*;/, "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;")
          .replace(
            /ssl_ciphers .*;/,
            'ssl_ciphers "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0";',
          ),
      );
      assert.deepEqual(await faultsAt(proxy), ["tls-versions: tls_old_versions", "tls-ciphers: tls_weak_ciphers"]);
    });

    it("when TLS 1.3 is off", async () => {
      await using proxy = await start();
      await alter(proxy, "tls.conf", (text) => text.replace("TLSv1.2 TLSv1.3", "TLSv1.2"));
      assert.deepEqual(await faultsAt(proxy), ["tls-versions: tls_new_versions"]);
    });

    it("when TLS 1.2 is off", async () => {
      await using proxy = await start();
      await alter(proxy, "tls.conf", (text) => text.replace("TLSv1.2 TLSv1.3", "TLSv1.3"));
      assert.deepEqual(await faultsAt(proxy), ["tls-versions: tls_new_versions"]);
    });

    it("when a cipher without authenticated encryption is served", async () => {
      await using proxy = await start();
      await alter(proxy, "tls.conf", (text) =>
        text.replace(/ssl_ciphers (.*);/, "ssl_ciphers $1:ECDHE-ECDSA-AES128-SHA;"),
      );
      assert.deepEqual(await faultsAt(proxy), ["tls-ciphers: tls_weak_ciphers"]);
    });
  });

  describe("of who is let in", () => {
    const withoutRefusals = (proxy: TestProxy) =>
      alter(proxy, "errors.conf", (text) => text.replace("if ($refusal)", 'if ($refusal = "never")'));

    it("when no client certificate is asked for", async () => {
      await using proxy = await start();
      await withoutRefusals(proxy);
      await alter(proxy, "tls.conf", (text) => text.replace("ssl_verify_client on", "ssl_verify_client off"));
      assert.deepEqual(await faultsAt(proxy), [
        "asks-for-certificate: no_client_verification",
        "refuses-nobody: no_client_verification",
        "refuses-stranger: stranger_admitted",
        "refuses-twin: twin_admitted",
      ]);
    });

    it("when a client certificate is asked for and not required", async () => {
      await using proxy = await start();
      await withoutRefusals(proxy);
      await alter(proxy, "tls.conf", (text) => text.replace("ssl_verify_client on", "ssl_verify_client optional"));
      assert.deepEqual(await faultsAt(proxy), ["refuses-nobody: no_client_verification"]);
    });

    it("when a certificate of any CA will do", async () => {
      await using proxy = await start();
      await withoutRefusals(proxy);
      await alter(proxy, "tls.conf", (text) =>
        text.replace("ssl_verify_client on", "ssl_verify_client optional_no_ca"),
      );
      assert.deepEqual(await faultsAt(proxy), [
        "refuses-nobody: no_client_verification",
        "refuses-stranger: stranger_admitted",
        "refuses-twin: twin_admitted",
      ]);
    });

    it("when the CA's name is taken for the CA", async () => {
      const { standIn, target } = await standInFor((request, response) => {
        if (issuerOf(request) !== "app-builder-mtls CA") return refuse(response, "client_certificate_rejected");
        response.end(JSON.stringify({ bundleVersion: "1", destinations: [] }));
      });
      await using _ = standIn;
      assert.deepEqual(await faultsAt(target), ["refuses-twin: twin_admitted"]);
    });

    it("when an old generation is still let in, and not when it is shut out", async () => {
      await using directory = await temporaryDirectory();
      await using proxy = await start({ clients: [{ name: "app-builder", generation: 2, accept: [1, 2] }] });
      const old = await issueClient(proxy.ca, { generation: 1 });
      const [cert, key] = [join(directory.path, "old.crt"), join(directory.path, "old.key")];
      await writeFile(cert, old.cert);
      await writeFile(key, old.key);
      const more = ["--old-cert", cert, "--old-key", key];
      assert.deepEqual(await faultsAt(proxy, ...more), ["refuses-old-generation: old_generation_admitted"]);
      await proxy.change({ clients: [{ name: "app-builder", generation: 2 }] });
      assert.deepEqual(await faultsAt(proxy, ...more), []);
    });
  });

  describe("of the credentials", () => {
    it("when the client is not listed", async () => {
      await using proxy = await start();
      const client = await issueClient(proxy.ca, { name: "partner-x" });
      assert.deepEqual(await faultsAt({ ...proxy, client }), ["serves-client: client_refused"]);
    });

    it("when the proxy lets this machine's address not in, and then says nothing about certificates", async () => {
      await using proxy = await start({ ingress: { addresses: ["198.51.100.7"] } });
      await alter(proxy, "addresses.conf", (text) => text.replace("127.0.0.1/32 yes;", ""));
      assert.deepEqual(await faultsAt(proxy), ["serves-client: address_refused"]);
    });

    it("when the proxy trusts another CA for clients", async () => {
      await using proxy = await start();
      const other = await issueCa();
      await alter(proxy, "client-ca.crt", () => other.cert);
      assert.deepEqual(await faultsAt(proxy), ["serves-client: client_refused"]);
    });

    it("when the client certificate is expired", async () => {
      await using proxy = await start();
      const dates = { notBefore: fromNow(-10 * DAY_MS), notAfter: fromNow(-DAY_MS) };
      const client = await issueClient(proxy.ca, dates);
      assert.deepEqual(await faultsAt({ ...proxy, client }), [
        "client-certificate: credentials_expired",
        "serves-client: credentials_expired",
      ]);
    });

    it("when the key belongs to another certificate", async () => {
      await using proxy = await start();
      const other = await issueClient(proxy.ca);
      const client = { cert: proxy.client.cert, key: other.key };
      assert.deepEqual(await faultsAt({ ...proxy, client }), ["client-certificate: credentials_unusable"]);
    });

    it("when a PEM was cut on its way", async () => {
      await using proxy = await start();
      const client = { cert: proxy.client.cert, key: proxy.client.key.slice(0, 100) };
      assert.deepEqual(await faultsAt({ ...proxy, client }), ["client-certificate: credentials_unusable"]);
    });
  });

  describe("of the service", () => {
    it("when it is not a proxy at all, though its certificate is right", async () => {
      const { standIn, target } = await standInFor((_, response) => response.writeHead(404).end("not found"));
      await using _ = standIn;
      assert.deepEqual(await faultsAt(target), [
        "refuses-nobody: no_client_verification",
        "refuses-stranger: stranger_admitted",
        "refuses-twin: twin_admitted",
        "serves-client: not_the_proxy",
      ]);
    });

    it("when another server refuses in words of its own", async () => {
      const { standIn, target } = await standInFor((_, response) => response.writeHead(403).end("forbidden"));
      await using _ = standIn;
      assert.deepEqual(await faultsAt(target), [
        "refuses-nobody: not_the_proxy",
        "refuses-stranger: not_the_proxy",
        "refuses-twin: not_the_proxy",
        "serves-client: not_the_proxy",
      ]);
    });

    it("when the proxy ends connections without an answer", async () => {
      const { standIn, target } = await standInFor((request, response) => {
        if (isOfCa(request)) request.socket.destroy();
        else refuse(response, "client_certificate_rejected");
      });
      await using _ = standIn;
      assert.deepEqual(await faultsAt(target), ["serves-client: no_answer"]);
    });

    it("when its clock is off, in either direction", async () => {
      for (const off of [2 * MINUTE_MS, -2 * MINUTE_MS]) {
        const { standIn, target } = await standInFor((request, response) => {
          response.setHeader("date", new Date(Date.now() + off).toUTCString());
          proxyLike(request, response);
        });
        await using _ = standIn;
        assert.deepEqual(await faultsAt(target), ["clock: clock_off"]);
      }
    });

    it("when sync wants another bundle than is served", async () => {
      await using proxy = await start();
      await syncSays(proxy, { wantedVersion: "0123456789abcdef" });
      assert.deepEqual(await faultsAt(proxy), ["bundle-version: old_bundle"]);
    });

    it("when the stack wants another bundle than is served, and when its machine has not reported", async () => {
      await using proxy = await start();
      await using stack = await stackOf(proxy, { bundleVersion: "0123456789abcdef" });
      assert.deepEqual(faultsIn(await report(["--stack", "dev"], stack)), [
        "bundle-version: old_bundle",
        "sync: sync_missing",
      ]);
    });

    it("when sync has a problem", async () => {
      await using proxy = await start();
      const problem = {
        code: "nginx_refuses",
        message: "nginx refuses the bundle's files.",
        since: "2026-01-01T00:00:00Z",
      };
      await syncSays(proxy, { problem });
      assert.deepEqual(await faultsAt(proxy), ["sync: sync_problem"]);
    });

    it("when sync has not looked for long", async () => {
      await using proxy = await start();
      await syncSays(proxy, { checkedAt: fromNow(-10 * MINUTE_MS).toISOString() });
      assert.deepEqual(await faultsAt(proxy), ["sync: sync_silent"]);
    });

    it("when a certificate of the bundle is over", async () => {
      await using proxy = await start();
      await syncSays(proxy, { certificates: [{ name: "destinations/erp.ca", daysLeft: -3 }] });
      assert.deepEqual(await faultsAt(proxy), ["proxy-certificates: proxy_certificate_expired"]);
    });
  });

  describe("of a destination", () => {
    const destinationWith = (health: string) => [{ name: "backend", path: "/", health }];

    /** What is found, first without sync's word and then with it. */
    async function withAndWithoutSync(proxy: TestProxy, health: string, ...more: string[]): Promise<string[]> {
      await syncSays(proxy, { destinations: destinationWith("unknown") });
      const without = await faultsAt(proxy, ...more);
      await syncSays(proxy, { destinations: destinationWith(health) });
      return [...without, ...(await faultsAt(proxy, ...more))];
    }

    it("when it is dead", async () => {
      const url = `https://localhost:${await somePort()}`;
      await using proxy = await start({ destinations: [{ name: "backend", url }] });
      assert.deepEqual(await withAndWithoutSync(proxy, "refused"), [
        "destination:backend: destination_unreachable",
        "destination:backend: destination_refused",
      ]);
    });

    it("when its certificate is not what the settings say", async () => {
      const { cert } = await issueCa();
      await using proxy = await start({ destinations: [destinationOf(backend, { ca: cert })] });
      assert.deepEqual(await withAndWithoutSync(proxy, "certificate"), [
        "destination:backend: destination_unreachable",
        "destination:backend: destination_certificate",
      ]);
    });

    it("when its name does not resolve, or it does not answer, as sync saw", async () => {
      const url = `https://localhost:${await somePort()}`;
      await using proxy = await start({ destinations: [{ name: "backend", url }] });
      for (const [health, fault] of [
        ["name", "destination_name"],
        ["timeout", "destination_silent"],
      ] as const) {
        await syncSays(proxy, { destinations: destinationWith(health) });
        assert.deepEqual(await faultsAt(proxy), [`destination:backend: ${fault}`]);
      }
    });

    it("when it breaks off", async () => {
      await using broken = await startRawBackend((socket) => socket.once("data", () => socket.destroy()));
      await using proxy = await start({ destinations: [destinationOf(broken)] });
      await syncSays(proxy, {});
      assert.deepEqual(await faultsAt(proxy), ["destination:backend: destination_failed"]);
    });

    it("when it does not answer in time", async () => {
      await using silent = await startRawBackend((socket) => socket.resume());
      await using proxy = await start({ destinations: [destinationOf(silent, { readTimeoutSeconds: 1 })] });
      await syncSays(proxy, {});
      assert.deepEqual(await faultsAt(proxy), ["destination:backend: destination_timeout"]);
    });

    it("when it is slow", async () => {
      await using slow = await startBackend({ respond: (_, response) => void setTimeout(() => response.end(), 1_300) });
      await using proxy = await start({ destinations: [destinationOf(slow)] });
      await syncSays(proxy, {});
      assert.deepEqual(await faultsAt(proxy, "--slow", "1"), ["destination:backend: destination_slow"]);
      assert.deepEqual(await faultsAt(proxy), []);
    });

    it("when the proxy does not know it", async () => {
      await using proxy = await start({ destinations: [destinationOf(backend, { path: "/erp" })] });
      await syncSays(proxy, { destinations: [{ name: "backend", path: "/pim/", health: "ok" }] });
      assert.deepEqual(await faultsAt(proxy), ["destination:backend: destination_unanswered"]);
    });

    it("when it sees another source address than its firewall accepts", async () => {
      await using echo = await startBackend({
        respond: ({ socket }, response) => response.end(JSON.stringify({ origin: socket.remoteAddress })),
      });
      await using proxy = await start({ destinations: [destinationOf(echo)] });
      await syncSays(proxy, {});
      const echoed = (expected: string) => faultsAt(proxy, "--echo-url", "/ip", "--expect-egress", expected);
      assert.deepEqual(await echoed("203.0.113.10, 203.0.113.11"), ["egress: egress_mismatch"]);
      assert.deepEqual(await echoed("203.0.113.10,127.0.0.1"), []);
    });

    it("when the path that should tell the source address does not", async () => {
      await using proxy = await start({ destinations: [destinationOf(backend, { path: "/erp" })] });
      await syncSays(proxy, {});
      const faults = await faultsAt(proxy, "--echo-url", "/ip", "--expect-egress", "203.0.113.10");
      assert.deepEqual(faults, ["egress: egress_unknown"]);
    });
  });

  describe("of every kind", () => {
    it("that docs/verify.md lists, with the tests above", () => {
      const unseen = Object.keys(FAULTS).filter((fault) => !seenFaults.has(fault));
      assert.deepEqual(unseen, []);
    });
  });
});
