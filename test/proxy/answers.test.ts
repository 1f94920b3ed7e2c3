import assert from "node:assert/strict";
import { type ByteBackend, startByteBackend } from "../support/byteBackend";
import { destinationOf, startProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";

const HEADERS = [
  "Server: backend/1.0",
  "Date: Tue, 01 Jan 2030 00:00:00 GMT",
  'ETag: "strong"',
  "Last-Modified: Mon, 01 Jan 2029 00:00:00 GMT",
  "Expires: Wed, 02 Jan 2030 00:00:00 GMT",
  "Cache-Control: private, max-age=60",
  "Accept-Ranges: bytes",
  "Vary: Accept",
  "Content-Type: text/html; charset=utf-8",
  "Content-Encoding: gzip",
  'Content-Disposition: attachment; filename="a b.html"',
  'WWW-Authenticate: Bearer realm="x"',
  "Set-Cookie: a=1; Path=/x; Secure",
  "Set-Cookie: b=2",
  "X-Custom_Name: \u00e9 / \"'",
  "Strict-Transport-Security: max-age=1",
];

describe("answers", () => {
  for (const [status, ...more] of [
    ["200 OK"],
    ["201 Created", "Location: relative/place"],
    ["206 Partial Content", "Content-Range: bytes 0-3/10"],
    ["207 Multi-Status"],
    ["299 Odd"],
    ["401 Unauthorized"],
    ["418 I'm a teapot"],
    ["500 Internal Server Error"],
  ] as const) {
    it(`of ${status} pass with their headers and body as they came`, async () => {
      const body = "</>\u0000\u00ff/";
      const headers = [...HEADERS, ...more];
      const answer = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${body.length}`, "", body].join("\r\n");
      await using backend: ByteBackend = await startByteBackend(answer);
      await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
      await using connection = await RawConnection.open(proxy, proxy.client);
      connection.send(get("/", "Range: bytes=0-1", 'If-None-Match: "strong"', "Connection: close"));
      await connection.closed();
      const [head = "", received] = connection.unread.split("\r\n\r\n");
      assert.equal(received, body);
      const [line, ...lines] = head.split("\r\n");
      assert.equal(line, `HTTP/1.1 ${status}`);
      const expected = [...headers, `Content-Length: ${body.length}`, "Connection: close"];
      assert.deepEqual(lines.sort(), expected.sort());
    });
  }

  it("of 204 and 304 pass without a body", async () => {
    for (const status of ["204 No Content", "304 Not Modified"]) {
      await using backend = await startByteBackend(`HTTP/1.1 ${status}\r\nETag: "x"\r\n\r\n`);
      await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
      await using connection = await RawConnection.open(proxy, proxy.client);
      for (const path of ["/first", "/second"]) {
        const answer = await connection.ask(get(path));
        assert.deepEqual(
          [answer?.status, answer?.headers.etag, answer?.body.length],
          [Number(status.slice(0, 3)), '"x"', 0],
        );
      }
    }
  });
});
