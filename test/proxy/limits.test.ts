import assert from "node:assert/strict";
import type { Issued } from "../../cli/src/certificates";
import { startRawBackend } from "../support/backend";
import { type ByteBackend, eachRequest, startByteBackend } from "../support/byteBackend";
import { issueClient } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, type RawAnswer, RawConnection } from "../support/rawClient";
import { until } from "../support/until";

const NONE = {
  requestsPerSecondPerClient: 0,
  requestsPerSecondPerAddress: 0,
  concurrentRequestsPerClient: 0,
  concurrentRequestsPerAddress: 0,
};

const withBody = (bytes: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;

describe("limits", () => {
  let backend: ByteBackend;

  before(async () => {
    backend = await startByteBackend();
  });
  after(() => backend[Symbol.asyncDispose]());
  beforeEach(() => {
    backend.seen.length = 0;
  });

  const limited = (limits: Record<string, number>, more: Record<string, unknown> = {}) =>
    startProxy({ destinations: [destinationOf(backend)], limits: { ...NONE, ...limits }, ...more });

  it("count requests of one client, and leave the others alone", async () => {
    await using proxy = await limited(
      { requestsPerSecondPerClient: 1 },
      { clients: [{ name: "app-builder" }, { name: "partner-x" }] },
    );
    const answers = await answersInARow(proxy, proxy.client, 12);
    assertLimited(answers, 200);
    assert.equal(backend.seen.length, answers.filter(({ status }) => status === 200).length);
    assert.equal((await answersInARow(proxy, proxy.certificates.clients["partner-x"], 1))[0]?.status, 200);
  });

  it("count requests of one address, whichever client it is", async () => {
    await using proxy = await limited(
      { requestsPerSecondPerAddress: 1 },
      { clients: [{ name: "app-builder" }, { name: "partner-x" }] },
    );
    assertLimited(await answersInARow(proxy, proxy.client, 12), 200);
    assert.equal((await answersInARow(proxy, proxy.certificates.clients["partner-x"], 1))[0]?.status, 429);
  });

  it("count strangers too, so that refusing them costs little", async () => {
    await using proxy = await limited({ requestsPerSecondPerAddress: 1 });
    const unlisted = await issueClient(proxy.ca, { name: "stranger" });
    assertLimited(await answersInARow(proxy, unlisted, 12), 403);
    const without: RawAnswer[] = [];
    for (let asked = 0; asked < 3; asked++) without.push(...(await answersInARow(proxy, undefined, 1)));
    assert.ok(without.some(({ status }) => status === 429));
    assert.deepEqual(backend.seen, []);
  });

  it("let a burst of two seconds' worth through at once", async () => {
    await using proxy = await limited({ requestsPerSecondPerClient: 50 });
    const answers = await answersInARow(proxy, proxy.client, 100);
    assert.ok(answers.every(({ status }) => status === 200));
  });

  for (const setting of ["concurrentRequestsPerClient", "concurrentRequestsPerAddress"]) {
    it(`count requests at the same time: ${setting}`, async () => {
      let open = 0;
      await using slow = await startRawBackend((socket) =>
        eachRequest(socket, ({ target }) => {
          if (target === "/slow") open++;
          else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }),
      );
      await using proxy = await startProxy({ destinations: [destinationOf(slow)], limits: { ...NONE, [setting]: 2 } });
      await using first = await RawConnection.open(proxy, proxy.client);
      await using second = await RawConnection.open(proxy, proxy.client);
      first.send(get("/slow"));
      second.send(get("/slow"));
      await until(() => open === 2, 5_000);
      const [refused] = await answersInARow(proxy, proxy.client, 1);
      assert.deepEqual([refused?.status, refused?.headers["x-mtls-proxy-error"]], [429, "rate_limited"]);
      await first[Symbol.asyncDispose]();
      await until(async () => (await answersInARow(proxy, proxy.client, 1))[0]?.status === 200, 5_000);
    });
  }

  it("are off when they are 0", async () => {
    await using proxy = await limited({});
    const answers = await answersInARow(proxy, proxy.client, 300);
    assert.ok(answers.every(({ status }) => status === 200));
  });

  it("hold for bodies, announced or not", async () => {
    await using proxy = await limited({ bodyMegabytes: 1 });
    const mebibyte = 1024 * 1024;
    for (const [bytes, expected] of [
      [withBody(mebibyte) + "x".repeat(mebibyte), 200],
      [withBody(mebibyte + 1), 413],
      [
        `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${"x".repeat(0x10000)}\r\n`.repeat(17)}`,
        413,
      ],
    ] as const) {
      await using connection = await RawConnection.open(proxy, proxy.client);
      const answer = await connection.ask(bytes);
      assert.equal(answer?.status, expected);
      if (expected === 413) assertOwn(answer, "body_too_large");
    }
  });

  it("tell a stranger with a large body who may come in, and nothing of limits", async () => {
    await using proxy = await limited({ bodyMegabytes: 1 });
    for (const certificate of [undefined, await issueClient(proxy.ca, { name: "stranger" })]) {
      await using connection = await RawConnection.open(proxy, certificate);
      assert.equal((await connection.ask(withBody(5_000_000)))?.status, 403);
    }
  });

  it("hold for URLs and headers", async () => {
    await using proxy = await limited({});
    for (const [request, status, code] of [
      [get(`/?${"x".repeat(31_000)}`), 200, undefined],
      [get(`/?${"x".repeat(33_000)}`), 414, "uri_too_large"],
      [get("/", `X-Large: ${"x".repeat(31_000)}`), 200, undefined],
      [get("/", `X-Large: ${"x".repeat(33_000)}`), 431, "headers_too_large"],
      [
        get("/", ...["A", "B", "C", "D", "E"].map((name) => `${name}: ${"x".repeat(31_000)}`)),
        431,
        "headers_too_large",
      ],
    ] as const) {
      await using connection = await RawConnection.open(proxy, proxy.client);
      const answer = await connection.ask(request);
      assert.equal(answer?.status, status);
      if (code) assertOwn(answer, code);
    }
  });
});

async function answersInARow(proxy: TestProxy, certificate: Issued | undefined, count: number): Promise<RawAnswer[]> {
  await using connection = await RawConnection.open(proxy, certificate);
  const answers: RawAnswer[] = [];
  for (let asked = 0; asked < count; asked++) {
    const answer = await connection.ask(get("/"));
    if (answer) answers.push(answer);
  }
  return answers;
}

/** Some pass, the rest are told why not. */
function assertLimited(answers: RawAnswer[], passing: number): void {
  const refused = answers.filter(({ status }) => status !== passing);
  assert.ok(refused.length >= 5 && refused.length < answers.length, `${refused.length} of ${answers.length}`);
  for (const answer of refused) {
    assert.equal(answer.status, 429);
    assertOwn(answer, "rate_limited");
  }
}

function assertOwn(answer: RawAnswer | undefined, code: string): void {
  assert.equal(answer?.headers["x-mtls-proxy-error"], code);
  assert.equal(answer?.headers["content-type"], "application/json");
  assert.equal(JSON.parse(answer?.body.toString() ?? "").error, code);
}
