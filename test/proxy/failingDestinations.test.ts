import assert from "node:assert/strict";
import type { Socket } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";
import type { Issued } from "../../cli/src/certificates";
import { type Backend, startBackend, startRawBackend, startTcpBackend } from "../support/backend";
import { type ByteBackend, eachRequest, startByteBackend } from "../support/byteBackend";
import { DAY_MS, fromNow, issueCa, issueClient, issueServer, SECOND_MS } from "../support/certificates";
import { destinationOf, startProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";

/** How long an answer may take beyond the documented time, in milliseconds; the machine that tests may be busy. */
const GRACE_MS = 2 * SECOND_MS;
/** nginx's clock ticks once an event loop: a time may seem so many milliseconds shorter. */
const TICK_MS = 50;

interface Failure {
  what: string;
  backend: () => Promise<Omit<Backend, "ca"> & { ca?: string }>;
  status: number;
  code: string;
  /** Documented time, in milliseconds. */
  after: number;
}

const SHORT = { connectTimeoutSeconds: 1, readTimeoutSeconds: 1 };

const raw = (onRequest: (socket: TLSSocket) => void, tls?: TlsOptions) => () =>
  startRawBackend((socket) => eachRequest(socket, () => onRequest(socket)), tls);

const withCertificate = (make: (ca: Issued) => Promise<Issued>) => async () => {
  const ca = await issueCa();
  return { ...(await startBackend({ certificate: await make(ca) })), ca: ca.cert };
};

const closedPort = async () => {
  const backend = await startTcpBackend(() => undefined);
  await backend[Symbol.asyncDispose]();
  return { ...backend, [Symbol.asyncDispose]: async () => undefined };
};

const unreachable = { status: 502, code: "destination_unreachable", after: 0 };
const failed = { status: 502, code: "destination_failed", after: 0 };

const FAILURES: Failure[] = [
  { what: "is down", backend: closedPort, ...unreachable },
  { what: "hangs up at once", backend: () => startTcpBackend((socket) => socket.destroy()), ...unreachable },
  { what: "resets at once", backend: () => startTcpBackend((socket) => socket.resetAndDestroy()), ...unreachable },
  {
    what: "never answers the handshake",
    backend: () => startTcpBackend(() => undefined),
    ...unreachable,
    after: SECOND_MS,
  },
  {
    what: "speaks plain http",
    backend: () => startTcpBackend((socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    ...unreachable,
  },
  {
    what: "has a certificate for another name",
    backend: withCertificate((ca) => issueServer(ca, { names: ["other.example.com"] })),
    ...unreachable,
  },
  {
    what: "has an expired certificate",
    backend: withCertificate((ca) => issueServer(ca, { notBefore: fromNow(-3 * DAY_MS), notAfter: fromNow(-DAY_MS) })),
    ...unreachable,
  },
  {
    what: "has a certificate of the future",
    backend: withCertificate((ca) => issueServer(ca, { notBefore: fromNow(DAY_MS), notAfter: fromNow(3 * DAY_MS) })),
    ...unreachable,
  },
  {
    what: "has a certificate of a foreign CA",
    backend: withCertificate(async () => issueServer(await issueCa())),
    ...unreachable,
  },
  {
    what: "has a certificate for clients",
    backend: withCertificate((ca) => issueClient(ca, { name: "localhost", names: ["localhost"] })),
    ...unreachable,
  },
  {
    what: "has a certificate of a private CA, where public ones are expected",
    backend: async () => ({ ...(await startBackend()), ca: undefined }),
    ...unreachable,
  },
  {
    what: "speaks TLS 1.1 alone",
    backend: () =>
      startRawBackend(() => undefined, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
    ...unreachable,
  },
  { what: "never answers", backend: raw(() => undefined), status: 504, code: "destination_timeout", after: SECOND_MS },
  {
    what: "stops in the header",
    backend: raw((socket) => socket.write("HTTP/1.1 200 OK\r\nX-A: ")),
    status: 504,
    code: "destination_timeout",
    after: SECOND_MS,
  },
  { what: "hangs up before the header", backend: raw((socket) => socket.destroy()), ...failed },
  { what: "ends before the header", backend: raw((socket) => socket.end()), ...failed },
  {
    what: "hangs up in the header",
    backend: raw((socket) => socket.write("HTTP/1.1 200 OK\r\nX-A: ", () => socket.destroy())),
    ...failed,
  },
];

describe("a destination that", () => {
  for (const { what, backend: startFailing, status, code, after } of FAILURES) {
    it(`${what} is answered for with ${status} ${code}, and the others go on`, async () => {
      await using failing = await startFailing();
      await using healthy = await startByteBackend();
      await using proxy = await startProxy({
        destinations: [
          {
            name: "failing",
            path: "/failing/",
            url: failing.url,
            ...("ca" in failing && { ca: failing.ca }),
            ...SHORT,
          },
          destinationOf(healthy, { path: "/healthy/" }),
        ],
      });
      await using waiting = await RawConnection.open(proxy, proxy.client);
      const started = Date.now();
      const asked = waiting.ask(get("/failing/x"));
      await assertServes(proxy, healthy);
      const answer = await asked;
      const took = Date.now() - started;
      assert.deepEqual([answer?.status, answer?.headers["x-mtls-proxy-error"]], [status, code]);
      assert.equal(JSON.parse(answer?.body.toString() ?? "").error, code);
      assert.ok(took >= after - TICK_MS && took < after + GRACE_MS, `${took} ms`);
      await assertServes(proxy, healthy);
      assert.equal((await waiting.ask(get("/healthy/same-connection")))?.status, 200);
    });
  }

  const BROKEN_BODIES: Record<string, { start: string; end: (socket: TLSSocket) => void; after: number }> = {
    "hangs up in a body of known length": {
      start: "Content-Length: 10\r\n\r\nabc",
      end: (socket) => socket.destroy(),
      after: 0,
    },
    "hangs up in a chunked body": {
      start: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      end: (socket) => socket.destroy(),
      after: 0,
    },
    "stops in a body of known length": {
      start: "Content-Length: 10\r\n\r\nabc",
      end: () => undefined,
      after: SECOND_MS,
    },
    "stops in a chunked body": {
      start: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      end: () => undefined,
      after: SECOND_MS,
    },
  };
  for (const [what, { start, end, after }] of Object.entries(BROKEN_BODIES)) {
    it(`${what} leaves an answer that is visibly incomplete, and never a hang`, async () => {
      await using failing = await startRawBackend((socket) =>
        eachRequest(socket, () => socket.write(`HTTP/1.1 200 OK\r\n${start}`, () => end(socket))),
      );
      await using proxy = await startProxy({ destinations: [destinationOf(failing, SHORT)] });
      await using connection = await RawConnection.open(proxy, proxy.client);
      const started = Date.now();
      assert.equal(await connection.ask(get("/")), undefined);
      const took = Date.now() - started;
      assert.ok(took >= after - TICK_MS && took < after + GRACE_MS, `${took} ms`);
      assert.match(connection.unread, /^HTTP\/1\.1 200 OK\r\n/);
    });
  }

  it("failed once is asked again at once when it is back, and slow answers do not count against it", async () => {
    let slow = true;
    await using backend = await startRawBackend((socket) =>
      eachRequest(socket, () => slow || socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
    );
    await using proxy = await startProxy({ destinations: [destinationOf(backend, SHORT)] });
    const ask = async () => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      return (await connection.ask(get("/")))?.status;
    };
    assert.deepEqual(await Promise.all([ask(), ask(), ask(), ask()]), [504, 504, 504, 504]);
    slow = false;
    assert.equal(await ask(), 200);
  });

  it("answers before it has read the body is heard", async () => {
    await using backend = await startRawBackend((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      });
    });
    await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
    await using connection = await RawConnection.open(proxy, proxy.client);
    connection.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n${"x".repeat(1_000_000)}`);
    const answer = await connection.answer();
    assert.deepEqual([answer?.status, answer?.body.toString()], [413, "no"]);
    assert.equal(answer?.headers["x-mtls-proxy-error"], undefined);
  });
});

describe("a destination that wants a client certificate", () => {
  const CLIENT = { name: "proxy" };

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const only = { minVersion: version, maxVersion: version } as const;

    it(`is given the one from the settings over ${version}`, async () => {
      const clientCa = await issueCa();
      const { cert, key } = await issueClient(clientCa, CLIENT);
      let seen = "";
      await using backend = await startRawBackend(
        (socket) =>
          eachRequest(socket, () => {
            seen = String(socket.getPeerCertificate().subject.CN);
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          }),
        { requestCert: true, rejectUnauthorized: true, ca: clientCa.cert, ...only },
      );
      await using proxy = await startProxy({
        destinations: [destinationOf(backend, { clientCert: cert, clientKey: key })],
      });
      await using connection = await RawConnection.open(proxy, proxy.client);
      assert.equal((await connection.ask(get("/")))?.status, 200);
      assert.equal(seen, "proxy");
    });

    it(`refuses the proxy without one, or with a foreign one, over ${version}: 502 for the caller`, async () => {
      const clientCa = await issueCa();
      await using backend = await startBackend({
        tls: { requestCert: true, rejectUnauthorized: true, ca: clientCa.cert, ...only },
      });
      const foreign = await issueClient(await issueCa(), CLIENT);
      for (const given of [{}, { clientCert: foreign.cert, clientKey: foreign.key }]) {
        await using proxy = await startProxy({ destinations: [destinationOf(backend, given)] });
        await using connection = await RawConnection.open(proxy, proxy.client);
        const answer = await connection.ask(get("/"));
        assert.equal(answer?.status, 502);
        // TLS 1.3 tells a client that its certificate is refused after the client may have begun to write
        const expected =
          version === "TLSv1.2" ? ["destination_unreachable"] : ["destination_failed", "destination_unreachable"];
        assert.ok(expected.includes(answer.headers["x-mtls-proxy-error"] ?? ""));
        assert.deepEqual(backend.seen, []);
      }
    });
  }
});

async function assertServes(proxy: Awaited<ReturnType<typeof startProxy>>, healthy: ByteBackend): Promise<void> {
  const before = healthy.seen.length;
  await using connection = await RawConnection.open(proxy, proxy.client);
  assert.equal((await connection.ask(get("/healthy/x")))?.status, 200);
  assert.equal(healthy.seen.length, before + 1);
}
