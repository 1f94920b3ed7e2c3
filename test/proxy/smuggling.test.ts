import assert from "node:assert/strict";
import { type ByteBackend, startByteBackend } from "../support/byteBackend";
import { issueClient } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";

const request = (...lines: string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const post = (...headers: string[]): string => request("POST /outer HTTP/1.1", "Host: localhost", ...headers);
const CHUNK = "0\r\n\r\n";
const HIDDEN = get("/hidden");

/** Ambiguous about where a request ends, or not a request at all: refused as a whole, and the connection with it. */
const REFUSED: Record<string, string> = {
  "Content-Length beside Transfer-Encoding": post("Content-Length: 5", "Transfer-Encoding: chunked") + CHUNK,
  "Transfer-Encoding beside Content-Length": post("Transfer-Encoding: chunked", "Content-Length: 5") + CHUNK,
  "Transfer-Encoding twice": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + CHUNK,
  "Transfer-Encoding twice, once hidden": post("Transfer-Encoding: identity", "Transfer-Encoding: chunked") + CHUNK,
  "a list of transfer codings": post("Transfer-Encoding: gzip, chunked") + CHUNK,
  "chunked twice in a list": post("Transfer-Encoding: chunked, chunked") + CHUNK,
  "an unknown transfer coding": post("Transfer-Encoding: xchunked") + CHUNK,
  "a quoted transfer coding": post('Transfer-Encoding: "chunked"') + CHUNK,
  "a vertical tab before the transfer coding": post("Transfer-Encoding: \u000bchunked") + CHUNK,
  "a space before the colon": post("Transfer-Encoding : chunked") + CHUNK,
  "a tab before the colon": post("Transfer-Encoding\t: chunked") + CHUNK,
  "chunks in HTTP/1.0": request("POST /outer HTTP/1.0", "Host: localhost", "Transfer-Encoding: chunked") + CHUNK,
  "Content-Length twice, different": `${post("Content-Length: 0", "Content-Length: 35")}`,
  "Content-Length twice, the same": `${post("Content-Length: 3", "Content-Length: 3")}abc`,
  "a list of lengths": `${post("Content-Length: 3, 3")}abc`,
  "a signed length": `${post("Content-Length: +3")}abc`,
  "a negative length": post("Content-Length: -1"),
  "a hexadecimal length": `${post("Content-Length: 0x3")}abc`,
  "a length in words": post("Content-Length: three"),
  "a length beyond 64 bits": `${post("Content-Length: 18446744073709551619")}abc`,
  "a chunk size that is no number": `${post("Transfer-Encoding: chunked")}xyz\r\nabc\r\n${CHUNK}`,
  "a chunk size beyond 64 bits": `${post("Transfer-Encoding: chunked")}10000000000000003\r\nabc\r\n${CHUNK}`,
  "a negative chunk size": `${post("Transfer-Encoding: chunked")}-3\r\nabc\r\n${CHUNK}`,
  "a chunk that is longer than it says": `${post("Transfer-Encoding: chunked")}1\r\nabc\r\n${CHUNK}`,
  "a header without a name": post(": value"),
  "a folded header at the start": request("GET / HTTP/1.1", " Host: localhost"),
  "a NUL in a header": post("X: a\u0000b"),
  "no Host in HTTP/1.1": request("GET /outer HTTP/1.1"),
  "Host twice": request("GET /outer HTTP/1.1", "Host: localhost", "Host: orders"),
  "a Host with a path": request("GET /outer HTTP/1.1", "Host: localhost/orders"),
  "a Host with a NUL": request("GET /outer HTTP/1.1", "Host: local\u0000host"),
  "an unknown version": request("GET /outer HTTP/3.7", "Host: localhost"),
  "a version without a number": request("GET /outer HTTP/x", "Host: localhost"),
  "a preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "a method in lower case": request("get /outer HTTP/1.1", "Host: localhost"),
  "a method with a NUL": request("G\u0000T /outer HTTP/1.1", "Host: localhost"),
  "a bare CR in the request line": request("GET /outer\rHTTP/1.1", "Host: localhost"),
  "something behind the version": request("GET /outer HTTP/1.1 x", "Host: localhost"),
};

/** Harmless when read strictly: one request for the destination, then the hidden one as a request of its own. */
const ONE_REQUEST: Record<string, { bytes: string; body: string }> = {
  "chunk extensions": {
    bytes: `${post("Transfer-Encoding: chunked")}3;a=b;c="d"\r\nabc\r\n0;x\r\n\r\n`,
    body: "abc",
  },
  trailers: { bytes: `${post("Transfer-Encoding: chunked")}3\r\nabc\r\n0\r\nX-Mtls-Client: evil\r\n\r\n`, body: "abc" },
  "chunked in other letters": { bytes: `${post("transfer-encoding: ChUnKeD")}3\r\nabc\r\n${CHUNK}`, body: "abc" },
  "leading zeros of a chunk size": {
    bytes: `${post("Transfer-Encoding: chunked")}0003\r\nabc\r\n${CHUNK}`,
    body: "abc",
  },
  "leading zeros of a length": { bytes: `${post("Content-Length: 003")}abc`, body: "abc" },
  "a whole request as a body": { bytes: `${post(`Content-Length: ${get("/x").length}`)}${get("/x")}`, body: get("/x") },
  "bare line feeds": { bytes: post("Content-Length: 3").replaceAll("\r\n", "\n").concat("abc"), body: "abc" },
  "an empty line in front": { bytes: `\r\n${post("Content-Length: 3")}abc`, body: "abc" },
};

/** Each name is read as X-Mtls-Client by some server or gateway. */
const FORGED = [
  "X-Mtls-Client",
  "x-mtls-client",
  "X-MTLS-CLIENT",
  "X_Mtls_Client",
  "X-Mtls_Client",
  "X_Mtls-Client",
  "x_mtls_client",
  "X.Mtls.Client",
  "X Mtls Client",
  "X-Mtls-Client ",
  "X-Mtls-Client\t",
  "X-Mtls-Client\u0000",
  "X-Mtls-Client\u000b",
  "X\u00ad-Mtls-Client",
];

describe("smuggling", function () {
  this.timeout(60_000);
  let backend: ByteBackend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startByteBackend();
    proxy = await startProxy({
      destinations: [destinationOf(backend)],
      limits: { requestsPerSecondPerClient: 0, requestsPerSecondPerAddress: 0 },
    });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    backend.seen.length = 0;
  });

  for (const [what, bytes] of Object.entries(REFUSED)) {
    it(`refuses ${what}, and what is sent behind it`, async () => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      const answers = await answersTo(connection, bytes + HIDDEN);
      assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers["x-mtls-proxy-error"]]),
        [[400, "bad_request"]],
      );
      assert.deepEqual(lines(), []);
    });
  }

  for (const [what, { bytes, body }] of Object.entries(ONE_REQUEST)) {
    it(`passes ${what} as one request`, async () => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      connection.send(bytes + HIDDEN);
      assert.deepEqual([(await connection.answer())?.status, (await connection.answer())?.status], [200, 200]);
      assert.deepEqual(lines(), ["POST /outer HTTP/1.1", "GET /hidden HTTP/1.1"]);
      assert.equal(backend.seen[0]?.body.toString(), body);
      assert.deepEqual(clients(), ["app-builder", "app-builder"]);
    });
  }

  it("hands on no folded header", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    await connection.ask(get("/", "X-A: one", " X-Mtls-Client: evil"));
    for (const { headerLines } of backend.seen) {
      assert.ok(
        headerLines.every((line) => /^[!-~]/.test(line)),
        "no line begins with a space",
      );
      assert.deepEqual(clients(), ["app-builder"]);
    }
  });

  it("hands on no bare CR in a header", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    await connection.ask(get("/", "X-A: one\rX-Mtls-Client: evil"));
    for (const { headerLines } of backend.seen) {
      assert.ok(headerLines.every((line) => !line.includes("\r")));
      assert.deepEqual(clients(), ["app-builder"]);
    }
  });

  for (const name of FORGED) {
    it(`says itself who calls when a caller sends ${JSON.stringify(name)}`, async () => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      const answer = await connection.ask(get("/", `${name}: partner-x`, `${name}: admin`));
      assert.ok(answer && [200, 400].includes(answer.status));
      assert.equal(backend.seen.length, answer.status === 200 ? 1 : 0);
      for (const { headerLines } of backend.seen) {
        const readAsOurs = headerLines.filter((line) => /^x.?.?mtls.?.?client/i.test(line));
        assert.deepEqual(readAsOurs, ["X-Mtls-Client: app-builder"]);
      }
    });
  }

  it("says itself where a request goes, how long it is, and whether the connection is kept", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    await connection.ask(
      get(
        "/",
        "Connection: keep-alive, X-Mtls-Client, Host",
        "Keep-Alive: timeout=1",
        "TE: trailers",
        "Proxy-Connection: close",
      ).replace("Host: localhost", "Host: evil.example.com."),
    );
    const [seen] = backend.seen;
    assert.equal(seen?.headers.host, new URL(backend.url).host);
    assert.equal(seen?.headers["x-mtls-client"], "app-builder");
    for (const name of ["connection", "keep-alive", "te"]) assert.equal(seen?.headers[name], undefined, name);
  });

  it("passes other headers as they came, underscores and raw bytes included", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    const headers = [
      "Authorization: Bearer a.b-c_d",
      "x_custom: 1",
      "X-Empty:",
      "X-Raw: caf\u00e9 \u00ff",
      "Cookie: a=b; c",
    ];
    assert.equal((await connection.ask(get("/", ...headers)))?.status, 200);
    const passed = backend.seen[0]?.headerLines.map((line) => line.trim());
    for (const header of headers.filter((line) => line !== "X-Empty:"))
      assert.ok(passed?.includes(header), `${header} is among ${passed}`);
  });

  it("reads nothing that is pipelined behind a refused request as somebody else's", async () => {
    const stranger = await issueClient(proxy.ca, { name: "partner-x" });
    for (const certificate of [undefined, stranger]) {
      await using connection = await RawConnection.open(proxy, certificate);
      const body = get("/in-the-body");
      connection.send(`${post(`Content-Length: ${body.length}`)}${body}${HIDDEN}${get("/last", "Connection: close")}`);
      for (let answer = await connection.answer(); answer; answer = await connection.answer())
        assert.equal(answer.status, 403);
      assert.deepEqual(lines(), []);
    }
  });

  it("forwards neither CONNECT nor TRACE", async () => {
    for (const bytes of [
      request("CONNECT localhost:443 HTTP/1.1", "Host: localhost:443"),
      request("CONNECT / HTTP/1.1", "Host: localhost"),
      request("TRACE / HTTP/1.1", "Host: localhost"),
    ]) {
      await using connection = await RawConnection.open(proxy, proxy.client);
      const answer = await connection.ask(bytes);
      assert.ok(["method_not_allowed", "bad_request"].includes(answer?.headers["x-mtls-proxy-error"] ?? ""));
      assert.deepEqual(lines(), []);
    }
  });

  it("forwards methods that it does not know, and OPTIONS, but not for the server as a whole", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    for (const method of ["OPTIONS", "PROPFIND", "PATCH", "DELETE", "PURGE"])
      assert.equal((await connection.ask(request(`${method} / HTTP/1.1`, "Host: localhost")))?.status, 200, method);
    const answer = await connection.ask(request("OPTIONS * HTTP/1.1", "Host: localhost"));
    assert.equal(answer?.headers["x-mtls-proxy-error"], "bad_request");
    assert.equal(backend.seen.length, 5);
  });

  it("answers a request of HTTP/0.9 alone, with nothing behind it", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    connection.send(`GET /old\r\n${HIDDEN}`);
    await connection.closed();
    assert.ok(lines().every((line) => line === "GET /old HTTP/1.1"));
  });

  it("tells a caller that waits with its body to go on", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    assert.equal((await connection.ask(post("Content-Length: 3", "Expect: 100-continue")))?.status, 100);
    assert.equal((await connection.ask("abc"))?.status, 200);
    assert.equal(backend.seen[0]?.body.toString(), "abc");
    assert.equal(backend.seen[0]?.headers.expect, undefined);
  });

  const lines = () => backend.seen.map(({ line }) => line);
  const clients = () => backend.seen.map(({ headers }) => headers["x-mtls-client"]);
});

/** Every answer until the connection ends. */
async function answersTo(connection: RawConnection, bytes: string) {
  connection.send(bytes);
  const answers = [];
  for (let answer = await connection.answer(); answer; answer = await connection.answer()) answers.push(answer);
  return answers;
}
