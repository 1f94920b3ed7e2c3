import assert from "node:assert/strict";
import { startRawBackend } from "../support/backend";
import { type ByteBackend, eachRequest, startByteBackend } from "../support/byteBackend";
import { issueClient } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";
import { until } from "../support/until";

const SECRET = "s3cr3t-8f1d";

/** Requests of every kind, each with something in it that no log may hold. */
const REQUESTS = [
  get(`/backend/plain?key=${SECRET}`, `Authorization: Bearer ${SECRET}`, `X-Api-Key: ${SECRET}`),
  get(`/backend/"quoted"\\back\u00e9?"${SECRET}`, `Referer: https://x/?${SECRET}`, `User-Agent: "${SECRET}`),
  get(`/backend/%0a%22,"status":1?${SECRET}`),
  get(`/nowhere?${SECRET}`, `Cookie: session=${SECRET}`),
  get(`https://localhost?${SECRET}`),
  get(`/down/x?${SECRET}`),
  get(`/liar/x?${SECRET}`),
  `POST /backend/body HTTP/1.1\r\nHost: x\r\nContent-Length: ${SECRET.length}\r\n\r\n${SECRET}`,
  get(`/backend/%zz?${SECRET}`),
  get(`/backend/x ${SECRET}`),
  get(`/?${SECRET.repeat(4_000)}`),
  get("/", `X-Large: ${SECRET.repeat(4_000)}`),
  `GET /backend/old?${SECRET}\r\n`,
  `TRACE /backend/trace?${SECRET} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `\u0000${SECRET}\r\n\r\n`,
];

describe("the access log", () => {
  let backend: ByteBackend;
  let proxy: TestProxy;
  let text: string;
  let lines: Record<string, unknown>[];

  before(async () => {
    backend = await startByteBackend();
    await using liar = await startRawBackend((socket) => eachRequest(socket, () => socket.end("no HTTP\r\n")));
    proxy = await startProxy({
      destinations: [
        destinationOf(backend, { path: "/backend/" }),
        destinationOf(liar, { name: "liar", path: "/liar/" }),
        { name: "down", path: "/down/", url: "https://127.0.0.1:1", serverName: "down.example.com" },
      ],
    });
    const unlisted = await issueClient(proxy.ca, { name: "stranger" });
    for (const certificate of [proxy.client, unlisted, undefined])
      for (const request of REQUESTS) {
        await using connection = await RawConnection.open(proxy, certificate);
        connection.send(request);
        await until(() => connection.unread !== "" || connection.isClosed, 5_000);
      }
    await until(async () => (await proxy.accessLog()).trim().split("\n").length > 3 * REQUESTS.length, 5_000);
    text = await proxy.accessLog();
    lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });

  it("is one JSON object a request, with the same fields in each", () => {
    for (const line of lines) assert.deepEqual(Object.keys(line), Object.keys(lines[0] ?? {}));
    const numbers = ["status", "certificateDays", "seconds", "connectSeconds", "destinationSeconds", "bytesSent"];
    for (const line of lines) for (const field of numbers) assert.equal(typeof line[field], "number", field);
  });

  it("holds no query string, header, body or key", () => {
    assert.doesNotMatch(text, new RegExp(SECRET));
    assert.doesNotMatch(text, /\?|PRIVATE KEY|Bearer/);
  });

  it("names client, certificate, destination, path and error", () => {
    const find = (client: string, path: string) => lines.find((line) => line.client === client && line.path === path);
    const served = find("app-builder", "/backend/plain");
    assert.deepEqual(
      [served?.destination, served?.method, served?.status, served?.error, served?.destinationStatus],
      ["backend", "GET", 200, "", "200"],
    );
    assert.match(String(served?.certificate), /^[0-9A-F]+$/);
    assert.match(String(served?.tls), /^TLSv1\.[23]$/);
    assert.match(String(served?.time), /^\d{4}-\d\d-\d\dT/);
    const unreachable = find("app-builder", "/down/x");
    assert.deepEqual(
      [unreachable?.destination, unreachable?.status, unreachable?.error],
      ["down", 502, "destination_unreachable"],
    );
    assert.equal(find("app-builder", "/nowhere")?.error, "no_such_destination");
    const refused = lines.filter(({ client, status }) => client === "" && status === 403).map(({ error }) => error);
    assert.ok(refused.includes("client_not_listed") && refused.includes("client_certificate_required"));
  });

  it("keeps a path that tries to write fields of its own inside the path", () => {
    assert.ok(lines.some(({ path, status }) => path === '/backend/%0a%22,"status":1' && status === 200));
  });

  it("can be text, one line a request", async () => {
    await using plain = await startProxy({ destinations: [destinationOf(backend)], logFormat: "text" });
    await using connection = await RawConnection.open(plain, plain.client);
    await connection.ask(get(`/a"b?${SECRET}`));
    await until(async () => (await plain.accessLog()).includes("GET /a"), 5_000);
    const line = (await plain.accessLog()).split("\n").find((one) => one.includes("GET /a"));
    assert.match(line ?? "", /^"\d{4}-\d\d-\d\dT[^"]+" "app-builder" "backend" "200" "-?" "\d+\.\d+" "GET \/a\\x22b"$/);
  });
});
