import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createPlainServer, Agent as PlainAgent } from "node:http";
import { request } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { PROXY_ERROR_STATUSES } from "../../proxy/nginx/errors";
import { ConnectionError, createMtlsAgent, createMtlsFetch, type MtlsErrorCode, ProxyError, UrlError } from "../src";
import { PROXY_REASONS } from "../src/proxy-error";
import { type IssueOptions, makeCa } from "./support/certificates";
import { assertHidesKey } from "./support/secrets";
import { type MtlsServer, paramsOf, startServer } from "./support/server";
import { until } from "./support/wait";

describe("createMtlsFetch", () => {
  it("calls paths at the endpoint over mutual TLS", async () => {
    await using server = await startServer();
    const fetch = createMtlsFetch(server.params);
    const response = await fetch("/path/to/resource?param=value");
    assert.deepEqual(await response.json(), { method: "GET", url: "/path/to/resource?param=value", body: "" });
  });

  it("takes a whole URL at the endpoint, as a string or a URL", async () => {
    await using server = await startServer();
    const fetch = createMtlsFetch(server.params);
    for (const url of [`${server.endpoint}/a`, new URL("/a", server.endpoint)]) {
      assert.equal((await fetch(url)).status, 200);
    }
  });

  it("sends bodies, headers and methods as node-fetch does", async () => {
    await using server = await startServer();
    const response = await createMtlsFetch(server.params)("/a", { method: "POST", body: "hello" });
    assert.deepEqual(await response.json(), { method: "POST", url: "/a", body: "hello" });
  });

  it("follows no request of others on its agent, after a call that ended before it began", async () => {
    await using server = await startServer();
    const signal = AbortSignal.abort();
    await assert.rejects(createMtlsFetch(server.params)("/a", { signal }), { name: "AbortError" });
    const others = request(server.endpoint, { agent: createMtlsAgent(server.params) });
    assert.equal(others.listenerCount("error"), 0);
    others.end();
    const [answer] = await once(others, "response");
    answer.resume();
    await once(answer, "end");
  });

  it("refuses every URL outside the endpoint, and sends nothing", async () => {
    await using server = await startServer();
    await using other = await startServer();
    const fetch = createMtlsFetch(server.params);
    const connections = countConnections(server, other);
    for (const url of [
      other.endpoint,
      `http://${new URL(server.endpoint).host}/`,
      `//${new URL(other.endpoint).host}/a`,
      `\\\\${new URL(other.endpoint).host}\\a`,
      `/\t/${new URL(other.endpoint).host}/a`,
      `/\r\\${new URL(other.endpoint).host}/a`,
      `/\n/${new URL(other.endpoint).host}/a`,
      `\t//${new URL(other.endpoint).host}/a`,
      server.endpoint.replace("127.0.0.1", "user:password@127.0.0.1"),
      server.endpoint.replace("127.0.0.1", "127.0.0.1@evil.example.com"),
      "data:text/plain,hello",
      "file:///etc/passwd",
    ]) {
      await assert.rejects(fetch(url), (error: unknown) => {
        assert.ok(error instanceof UrlError);
        assert.equal(error.code, "ERR_MTLS_URL_OUTSIDE_ENDPOINT");
        assert.equal(error.name, "UrlError");
        return true;
      });
    }
    assert.equal(connections(), 0);
  });

  it("refuses what is no URL", async () => {
    await using server = await startServer();
    const fetch = createMtlsFetch(server.params);
    for (const url of [undefined, 5, {}, new Request("https://127.0.0.1/"), "https://["]) {
      await assert.rejects(fetch(url as string), { code: "ERR_MTLS_URL_INVALID" });
    }
  });

  it("follows redirects within the endpoint", async () => {
    await using server = await startServer({
      answer: ({ url }, response) =>
        url === "/new" ? response.end("here") : response.writeHead(302, { location: "/new" }).end(),
    });
    assert.equal(await (await createMtlsFetch(server.params)("/old")).text(), "here");
  });

  it("refuses redirects out of the endpoint before anything is sent", async () => {
    await using other = await startServer();
    let location = "";
    await using server = await startServer({
      answer: (_, response) => response.writeHead(307, { location }).end(),
    });
    const connections = countConnections(other);
    const fetch = createMtlsFetch(server.params);
    for (location of [other.endpoint, "http://127.0.0.1/", "data:text/plain,hello", "//example.com/"]) {
      await assert.rejects(fetch("/"), { code: "ERR_MTLS_REDIRECT_OUTSIDE_ENDPOINT", name: "UrlError" });
      assert.equal((await fetch("/", { redirect: "manual" })).headers.get("location"), location || null);
    }
    assert.equal(connections(), 0);
  });

  it("uses its own agent, whatever the call says", async () => {
    await using server = await startServer();
    const init = { method: "GET", agent: new PlainAgent() };
    assert.equal((await createMtlsFetch(server.params)("/", init)).status, 200);
  });

  it("goes to the pinned endpoint, and refuses params that name another", async () => {
    await using server = await startServer();
    const { __AIO_MTLS_ENDPOINT: _, ...rest } = server.params;
    const fetch = createMtlsFetch(rest, { endpoint: server.endpoint });
    assert.equal((await fetch("/")).status, 200);
    assert.throws(() => createMtlsFetch(server.params, { endpoint: "https://proxy.example.com" }), {
      code: "ERR_MTLS_ENDPOINT_MISMATCH",
    });
  });

  describe("in time", () => {
    const silent = { answer: () => {} };

    afterEach(() => {
      delete process.env.__OW_DEADLINE;
    });

    it("gives up after `timeout`, of the call before that of the fetch, and closes the connection", async () => {
      await using server = await startServer(silent);
      const fetch = createMtlsFetch(server.params, { timeout: 60_000 });
      await assert.rejects(fetch("/", { timeout: 50 }), (error: unknown) => {
        assert.ok(error instanceof ConnectionError);
        assert.equal(error.code, "ERR_MTLS_TIMEOUT");
        assert.match(error.message, /no whole answer in 50 ms/);
        return true;
      });
      await until(() => socketsOf(server) === 0);
      await assert.rejects(createMtlsFetch(server.params, { timeout: 60 })("/"), /in 60 ms/);
    });

    it("does not repeat a call that took too long, or that the caller ended, on a kept connection", async () => {
      let seen = 0;
      await using server = await startServer({
        answer: ({ url }, response) => {
          if (url === "/warm") response.end();
          else seen++;
        },
      });
      const fetch = createMtlsFetch(server.params);
      for (const init of [() => ({ timeout: 100 }), () => ({ signal: AbortSignal.timeout(100) })]) {
        await (await fetch("/warm")).text();
        const before = seen;
        await assert.rejects(fetch("/", init()));
        await until(() => socketsOf(server) === 0);
        assert.equal(seen, before + 1);
        await (await fetch("/warm")).text();
        assert.equal(seen, before + 1);
      }
    });

    it("gives up before the activation's deadline, read when the fetch is made", async () => {
      await using server = await startServer(silent);
      process.env.__OW_DEADLINE = String(Date.now() + 2_000);
      const fetch = createMtlsFetch(server.params, { timeout: 60_000 });
      process.env.__OW_DEADLINE = String(Date.now() + 600_000);
      const start = Date.now();
      await assert.rejects(fetch("/"), { code: "ERR_MTLS_TIMEOUT" });
      assert.ok(Date.now() - start < 2_000, "the action still has time to answer");
    });

    it("forgets a deadline that has passed, for a fetch that outlives its activation", async () => {
      await using server = await startServer();
      process.env.__OW_DEADLINE = String(Date.now() - 1);
      assert.equal((await createMtlsFetch(server.params)("/")).status, 200);
    });

    it("holds for the body as well", async () => {
      await using server = await startServer({ answer: (_, response) => response.write("half") });
      const response = await createMtlsFetch(server.params)("/", { timeout: 200 });
      await assert.rejects(response.text(), { code: "ERR_MTLS_TIMEOUT" });
      await until(() => socketsOf(server) === 0);
    });

    it("frees the connection of a body that nobody reads", async () => {
      await using server = await startServer({ answer: (_, response) => response.write(Buffer.alloc(1_000_000)) });
      await createMtlsFetch(server.params)("/", { timeout: 200 });
      await until(() => socketsOf(server) === 0);
    });

    it("ends when the caller's signal says so: before, while waiting, and in the body", async () => {
      await using server = await startServer({
        answer: ({ url }, response) => {
          if (url === "/half") response.write("half");
        },
      });
      const fetch = createMtlsFetch(server.params);
      await assert.rejects(fetch("/", { signal: AbortSignal.abort() }), { name: "AbortError" });
      await assert.rejects(fetch("/", { signal: AbortSignal.timeout(50) }), { name: "AbortError" });
      const controller = new AbortController();
      const response = await fetch("/half", { signal: controller.signal });
      controller.abort();
      await assert.rejects(response.text(), { name: "AbortError" });
      await until(() => socketsOf(server) === 0);
    });
  });

  describe("answers of the proxy itself", () => {
    const refusing = {
      answer: ((_, response) =>
        response.writeHead(403, { "x-mtls-proxy-error": "client_not_listed" }).end("{}")) satisfies Parameters<
        typeof createPlainServer
      >[1],
    };

    it("are answers like others, unless asked for", async () => {
      await using server = await startServer(refusing);
      assert.equal((await createMtlsFetch(server.params)("/")).status, 403);
    });

    it("are thrown with `throwProxyErrors`, with the reason and what to do", async () => {
      await using server = await startServer(refusing);
      await assert.rejects(createMtlsFetch(server.params, { throwProxyErrors: true })("/"), (error: unknown) => {
        assert.ok(error instanceof ProxyError);
        assert.deepEqual(
          [error.code, error.name, error.reason, error.status],
          ["ERR_MTLS_PROXY", "ProxyError", "client_not_listed", 403],
        );
        assert.match(error.message, /`clients` in the stack's configuration.*\(client_not_listed, 403\)/);
        return true;
      });
    });

    it("may have a reason that this version does not know", async () => {
      await using server = await startServer({
        answer: (_, response) => response.writeHead(418, { "x-mtls-proxy-error": "new_reason" }).end(),
      });
      await assert.rejects(createMtlsFetch(server.params, { throwProxyErrors: true })("/"), { reason: "new_reason" });
    });

    it("are all explained", async () => {
      assert.deepEqual(Object.keys(PROXY_REASONS).sort(), Object.keys(PROXY_ERROR_STATUSES).sort());
    });

    it("leave those of the backend alone", async () => {
      await using server = await startServer({ answer: (_, response) => response.writeHead(502).end() });
      assert.equal((await createMtlsFetch(server.params, { throwProxyErrors: true })("/")).status, 502);
    });
  });

  describe("tells what is wrong with the connection:", () => {
    async function assertFails(params: object & { __AIO_MTLS_KEY: string }, code: MtlsErrorCode, message: RegExp) {
      await assert.rejects(createMtlsFetch(params)("/"), (error: unknown) => {
        assert.ok(error instanceof ConnectionError, String(error));
        assert.equal(error.code, code);
        assert.equal(error.name, "ConnectionError");
        assert.match(error.message, message);
        assert.ok(error.cause instanceof Error);
        assertHidesKey(error, params.__AIO_MTLS_KEY);
        return true;
      });
    }

    it("a server of another CA", async () => {
      await using server = await startServer();
      const params = await paramsOf(await makeCa(), server.endpoint);
      await assertFails(params, "ERR_MTLS_SERVER_FOREIGN_CA", /no certificate of the CA/);
      const named = await paramsOf(await makeCa({ commonName: "other CA" }), server.endpoint);
      await assertFails(named, "ERR_MTLS_SERVER_FOREIGN_CA", /no certificate of the CA/);
    });

    for (const [what, options, code, message] of [
      ["an expired server", { fromDays: -9, toDays: -1 }, "ERR_MTLS_SERVER_EXPIRED", /is expired/],
      ["a server of the future", { fromDays: 1 }, "ERR_MTLS_SERVER_NOT_YET_VALID", /clock/],
      ["a server of another name", { names: ["proxy.example.com"] }, "ERR_MTLS_SERVER_NAME", /another host/],
    ] satisfies [string, IssueOptions, MtlsErrorCode, RegExp][]) {
      it(what, async () => {
        await using server = await startServer();
        const identity = await server.ca.issue({ names: ["127.0.0.1"], ...options });
        server.server.setSecureContext({ ...identity, ca: server.ca.cert });
        await assertFails(server.params, code, message);
      });
    }

    // RFC 8446 6.2; what a server sends that refuses in the midst of a handshake.
    for (const [name, number] of Object.entries({
      bad_certificate: 42,
      unsupported_certificate: 43,
      certificate_revoked: 44,
      certificate_expired: 45,
      certificate_unknown: 46,
      unknown_ca: 48,
      access_denied: 49,
    })) {
      it(`a server that refuses the client certificate with the alert ${name}`, async () => {
        const alert = Buffer.from([21, 3, 3, 0, 2, 2, number]);
        await using server = await listening(createTcpServer((socket) => socket.once("data", () => socket.end(alert))));
        const params = await paramsOf(await makeCa(), server.endpoint);
        await assertFails(params, "ERR_MTLS_CLIENT_REFUSED", /refused the client certificate/);
      });
    }

    it("a server that refuses the client certificate after the handshake, as TLS 1.3 has it", async () => {
      await using server = await startServer({ minVersion: "TLSv1.3" });
      // The client has no key of this kind, so it sends no certificate.
      server.server.setSecureContext({
        ...(await server.ca.issue({ names: ["127.0.0.1"], rsa: true })),
        ca: server.ca.cert,
        sigalgs: "RSA-PSS+SHA256",
      });
      await assertFails(server.params, "ERR_MTLS_CLIENT_REFUSED", /refused the client certificate/);
    });

    it("no TLS at all", async () => {
      await using plain = await listening(createPlainServer((_, response) => response.end()));
      await assertFails(await paramsOf(await makeCa(), plain.endpoint), "ERR_MTLS_NOT_TLS", /does not speak TLS/);
    });

    it("a version of TLS that is too old", async () => {
      await using server = await startServer({
        minVersion: "TLSv1.1",
        maxVersion: "TLSv1.1",
        ciphers: "DEFAULT@SECLEVEL=0",
      });
      await assertFails(server.params, "ERR_MTLS_TLS_FAILED", /versions and ciphers/);
    });

    it("nobody there", async () => {
      const endpoint = await shutEndpoint();
      await assertFails(await paramsOf(await makeCa(), endpoint), "ERR_MTLS_UNREACHABLE", /could not be connected to/);
    });

    it("no such host", async () => {
      const params = await paramsOf(await makeCa(), "https://proxy.invalid");
      await assertFails(params, "ERR_MTLS_UNREACHABLE", /https:\/\/proxy\.invalid could not be/);
    });

    it("nobody there, on a port that Runtime shuts, in Runtime", async () => {
      process.env.__OW_ACTIVATION_ID = "1";
      try {
        const params = await paramsOf(await makeCa(), "https://127.0.0.1:1");
        await assertFails(params, "ERR_MTLS_PORT_SHUT", /443 and 10000 to 20000 only/);
      } finally {
        delete process.env.__OW_ACTIVATION_ID;
      }
    });

    it("a connection that breaks before the answer", async () => {
      await using server = await startServer({ answer: ({ socket }) => socket.destroy() });
      await assertFails(server.params, "ERR_MTLS_CONNECTION_LOST", /broke before an answer came/);
    });
  });

  it("leaves errors that are not of the connection as node-fetch made them", async () => {
    await using server = await startServer({
      answer: (_, response) => response.writeHead(302, { location: "/" }).end(),
    });
    await assert.rejects(createMtlsFetch(server.params)("/", { follow: 2 }), { type: "max-redirect" });
  });

  it("stands 200 calls at once, and keeps few connections afterwards", async () => {
    await using server = await startServer();
    const agent = createMtlsAgent(server.params);
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const response = await createMtlsFetch(server.params)("/", { method: "POST", body: "hello" });
        await response.text();
        return response.status;
      }),
    );
    assert.deepEqual([...new Set(statuses)], [200]);
    const idle = () => Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []).length;
    await until(() => Object.keys(agent.sockets).length === 0);
    assert.ok(idle() > 0 && idle() <= 64, `${idle()} connections are kept`);
  });

  it("leaves no listener behind on a connection that serves many calls", async () => {
    await using server = await startServer();
    const fetch = createMtlsFetch(server.params);
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    for (let call = 0; call < 50; call++) await (await fetch("/")).text();
    const [socket] = Object.values(createMtlsAgent(server.params).freeSockets).flatMap((sockets) => sockets ?? []);
    assert.ok(socket);
    assert.ok(socket.listenerCount("data") <= 1);
    process.off("warning", onWarning);
    assert.deepEqual(warnings, []);
  });

  it("streams a body out and in", async () => {
    await using server = await startServer();
    const body = Readable.from(["one, ", "two"]);
    const response = await createMtlsFetch(server.params)("/", { method: "PUT", body });
    assert.match(await response.text(), /one, two/);
  });
});

/** Connections since now. */
function countConnections(...servers: MtlsServer[]): () => number {
  let count = 0;
  for (const { server } of servers) {
    server.on("connection", () => {
      count++;
    });
  }
  return () => count;
}

/** Connections of the agent, in use or idle. */
function socketsOf({ params }: MtlsServer): number {
  const { sockets, freeSockets } = createMtlsAgent(params);
  return [...Object.values(sockets), ...Object.values(freeSockets)].flatMap((some) => some ?? []).length;
}

async function listening(server: Server): Promise<AsyncDisposable & { endpoint: string }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** An address where nobody listens any more. */
async function shutEndpoint(): Promise<string> {
  await using server = await listening(createTcpServer());
  return server.endpoint;
}
