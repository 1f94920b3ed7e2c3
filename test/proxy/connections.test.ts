import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { type RecordingBackend, startBackend, startRawBackend } from "../support/backend";
import { eachRequest } from "../support/byteBackend";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";

describe("connections", () => {
  let backend: RecordingBackend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startBackend();
    proxy = await startProxy({ destinations: [destinationOf(backend)], hostname: "mtls.example.com" });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    backend.seen.length = 0;
  });

  const WAYS: { what: string; options: ConnectionOptions }[] = [
    { what: "without SNI", options: { servername: "" } },
    { what: "by address", options: { servername: "", host: "127.0.0.1" } },
    { what: "with its host name as SNI", options: { servername: "mtls.example.com" } },
    {
      what: "with a destination's name as SNI",
      options: { servername: "api.example.com", checkServerIdentity: () => undefined },
    },
    {
      what: "with a name that is none as SNI",
      options: { servername: "..%00/", checkServerIdentity: () => undefined },
    },
  ];
  for (const { what, options } of WAYS) {
    it(`ask for the same certificate ${what}`, async () => {
      for (const [certificate, expected] of [
        [undefined, "client_certificate_required"],
        [proxy.client, undefined],
      ] as const) {
        await using connection = await RawConnection.open(proxy, certificate, options);
        const answer = await connection.ask(get("/"));
        assert.equal(answer?.headers["x-mtls-proxy-error"], expected);
        assert.equal(answer?.status, expected ? 403 : 200);
      }
      assert.equal(backend.seen.length, 1);
    });
  }

  it("do not hand a session of one name to another", async () => {
    await using first = await RawConnection.open(proxy, undefined, { servername: "localhost" });
    await first.ask(get("/"));
    await using second = await RawConnection.open(proxy, undefined, {
      servername: "mtls.example.com",
      session: first.resumable,
    });
    assert.equal((await second.ask(get("/")))?.status, 403);
    assert.deepEqual(backend.seen, []);
  });

  for (const version of ["TLSv1", "TLSv1.1"] as const) {
    it(`are not made over ${version}`, async () => {
      const old = { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" };
      await assert.rejects(RawConnection.open(proxy, proxy.client, old), (error: NodeJS.ErrnoException) =>
        /PROTOCOL_VERSION|ECONNRESET/.test(error.code ?? ""),
      );
    });
  }

  it("are made with forward secrecy and authenticated encryption alone", async () => {
    for (const ciphers of [
      "AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES128-SHA256",
      "ECDHE-ECDSA-AES128-SHA",
      "NULL",
      "aNULL",
    ]) {
      const options = { maxVersion: "TLSv1.2", ciphers: `${ciphers}:@SECLEVEL=0` } as const;
      await assert.rejects(RawConnection.open(proxy, proxy.client, options), ciphers);
    }
  });

  it("offer HTTP/1.1 alone", async () => {
    const socket = connectTls({
      host: "127.0.0.1",
      port: proxy.port,
      ca: proxy.ca.cert,
      ALPNProtocols: ["h2", "http/1.1"],
      ...proxy.client,
    });
    await once(socket, "secureConnect");
    assert.notEqual(socket.alpnProtocol, "h2");
    socket.destroy();
  });

  it("without TLS are told to use it, and reach nothing", async () => {
    const socket = connect(proxy.port, "127.0.0.1");
    socket.setEncoding("latin1").end(get("/", "Connection: close"));
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /X-Mtls-Proxy-Error: tls_required\r\n/);
    assert.match(answer, /\{"error":"tls_required"/);
    assert.doesNotMatch(answer, /nginx\/\d/);
    assert.deepEqual(backend.seen, []);
  });

  it("are kept for as many requests as announced, and announced for less than they are kept", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    const answer = await connection.ask(get("/"));
    assert.equal(answer?.headers["keep-alive"], "timeout=60");
    for (let asked = 0; asked < 50; asked++) assert.equal((await connection.ask(get("/")))?.status, 200);
  });

  it("to a destination are kept for as many calls as came at once", async () => {
    const CALLS = 200;
    const waiting: (() => void)[] = [];
    let made = 0;
    await using crowded = await startRawBackend((socket) => {
      made++;
      eachRequest(socket, () => {
        waiting.push(() => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
        if (waiting.length === CALLS) for (const answer of waiting.splice(0)) answer();
      });
    });
    await using crowd = await startProxy({ destinations: [destinationOf(crowded)] });
    const callers = await Promise.all(Array.from({ length: CALLS }, () => RawConnection.open(crowd, crowd.client)));
    for (const _ of ["first", "second"])
      for (const answer of await Promise.all(callers.map((caller) => caller.ask(get("/")))))
        assert.equal(answer?.status, 204);
    assert.equal(made, CALLS);
    await Promise.all(callers.map((caller) => caller[Symbol.asyncDispose]()));
  });

  it("work alike with RSA certificates", async () => {
    const certificates = { keyAlgorithm: "RSA-2048" };
    await using rsa = await startProxy({ destinations: [destinationOf(backend)], certificates });
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      await using connection = await RawConnection.open(rsa, rsa.client, { minVersion: version, maxVersion: version });
      assert.equal((await connection.ask(get("/")))?.status, 200);
      assert.match(connection.socket.getCipher().standardName, /RSA|^TLS_AES|^TLS_CHACHA/);
    }
  });
});
