import assert from "node:assert/strict";
import { type Backend, startRawBackend } from "../support/backend";
import { type ByteBackend, eachRequest, startByteBackend } from "../support/byteBackend";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, type RawAnswer, RawConnection } from "../support/rawClient";

/** A destination that answers with what the test wants. */
interface Liar extends Backend {
  answer: string;
  /** Whether it ends its connection behind the answer. */
  hangsUp: boolean;
}

const answerOf = (status: string, ...headers: string[]): string =>
  ["HTTP/1.1", ` ${status}\r\n`, ...headers.map((line) => `${line}\r\n`), "Content-Length: 2\r\n\r\nok"].join("");

describe("a destination that is not to be trusted", () => {
  let liar: Liar;
  let other: ByteBackend;
  let proxy: TestProxy;

  before(async () => {
    const raw = await startRawBackend((socket) =>
      eachRequest(socket, () =>
        liar.hangsUp ? socket.end(liar.answer, "latin1") : socket.write(liar.answer, "latin1"),
      ),
    );
    liar = { ...raw, answer: "", hangsUp: false };
    other = await startByteBackend();
    proxy = await startProxy({
      destinations: [
        destinationOf(liar, { name: "liar", path: "/liar/" }),
        destinationOf(liar, { name: "kept", path: "/kept/", stripPath: false }),
        destinationOf(other, { name: "other", path: "/other/" }),
      ],
    });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await liar[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    other.seen.length = 0;
    liar.hangsUp = false;
  });

  async function told(answer: string, path = "/liar/x", ...headers: string[]): Promise<RawAnswer | undefined> {
    liar.answer = answer;
    await using connection = await RawConnection.open(proxy, proxy.client);
    return await connection.ask(get(path, ...headers));
  }

  it("cannot make nginx fetch another destination, a file, or a place of the proxy's own", async () => {
    for (const place of [
      "/other/secret",
      "/server.key",
      "/.mtls-proxy/refused",
      "/.mtls-proxy/status",
      "@internal_error",
    ]) {
      const answer = await told(answerOf("200 OK", `X-Accel-Redirect: ${place}`));
      assert.deepEqual([answer?.status, answer?.body.toString()], [200, "ok"]);
    }
    assert.deepEqual(other.seen, []);
  });

  it("cannot steer nginx by any other X-Accel header, nor show one to the caller", async () => {
    const names = ["Redirect", "Expires", "Limit-Rate", "Buffering", "Charset"].map((name) => `X-Accel-${name}`);
    const answer = await told(answerOf("200 OK", "Content-Type: text/plain", ...names.map((name) => `${name}: 1`)));
    assert.equal(answer?.body.toString(), "ok");
    assert.equal(answer?.headers["content-type"], "text/plain");
    assert.deepEqual(
      Object.keys(answer?.headers ?? {}).filter((name) => name.startsWith("x-accel")),
      [],
    );
  });

  it("cannot speak in the proxy's name", async () => {
    const answer = await told(
      answerOf(
        "502 Bad Gateway",
        "X-Mtls-Proxy-Error: destination_unreachable",
        "x-mtls-proxy-ERROR: x",
        "X-Mtls-Client: x",
      ),
    );
    assert.equal(answer?.status, 502);
    assert.deepEqual(
      Object.keys(answer?.headers ?? {}).filter((name) => name.startsWith("x-mtls")),
      [],
    );
    assert.doesNotMatch(await proxy.logs(), /"status":502,"error":"[^"]/);
  });

  for (const status of [
    301, 400, 403, 404, 405, 413, 414, 426, 429, 431, 494, 495, 496, 497, 499, 500, 502, 503, 504, 599,
  ]) {
    it(`is heard when it answers ${status} itself`, async () => {
      const answer = await told(answerOf(`${status} Whatever`, "Content-Type: text/plain"));
      assert.deepEqual([answer?.status, answer?.body.toString()], [status, "ok"]);
      assert.equal(answer?.headers["x-mtls-proxy-error"], undefined);
    });
  }

  it("gets no tunnel by an answer of 101, asked for or not", async () => {
    const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const asked = await told(switching, "/liar/x", "Connection: Upgrade", "Upgrade: websocket");
    assert.deepEqual([asked?.status, asked?.headers["x-mtls-proxy-error"]], [400, "upgrade_not_supported"]);
  });

  it("may send headers of 30 KiB, and is refused with more than the buffer holds", async () => {
    const large = (bytes: number) => answerOf("200 OK", `X-Large: ${"x".repeat(bytes)}`);
    assert.equal((await told(large(30 * 1024)))?.headers["x-large"]?.length, 30 * 1024);
    const answer = await told(large(33 * 1024));
    assert.deepEqual([answer?.status, answer?.headers["x-mtls-proxy-error"]], [502, "destination_failed"]);
  });

  for (const [what, answer] of Object.entries({
    "a header without a colon": "HTTP/1.1 200 OK\r\nbroken header\r\nContent-Length: 2\r\n\r\nok",
    "a NUL in a header": answerOf("200 OK", "X: a\u0000b"),
    "two lengths": answerOf("200 OK", "Content-Length: 1"),
    "a length that is no number": "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "an unknown transfer coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: magic\r\n\r\nok",
  })) {
    it(`is passed as one answer, or refused, when it sends ${what}`, async () => {
      liar.hangsUp = true;
      liar.answer = answer + answerOf("200 OK", "X-Poisoned: yes");
      await using connection = await RawConnection.open(proxy, proxy.client);
      connection.send(get("/liar/x"));
      const first = await connection.answer();
      assert.equal(first?.headers["x-poisoned"], undefined);
      if (first?.status !== 200) assert.equal(first?.headers["x-mtls-proxy-error"], "destination_failed");
      connection.send(get("/other/x", "Connection: close"));
      assert.ok([undefined, "ok"].includes((await connection.answer())?.body.toString()));
    });
  }

  for (const [what, raw] of Object.entries({
    "no HTTP": "SSH-2.0-OpenSSH_9.2\r\n",
    "no status": answerOf("ok"),
    "an empty line first": `\r\n${answerOf("200 OK")}`,
    "a status of 101": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a status of 103": "HTTP/1.1 103 Early Hints\r\n\r\n",
    "a status of 199": "HTTP/1.1 199 Whatever\r\n\r\n",
    "a status of 099": "HTTP/1.1 099 Whatever\r\n\r\n",
    "a status of 204 with a body": "HTTP/1.1 204 No Content\r\n\r\n",
    "a status of 304 with a body": "HTTP/1.1 304 Not Modified\r\n\r\n",
    "a shorter length than its body": answerOf("200 OK"),
    "a chunk that ends early": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  })) {
    it(`cannot answer for another destination on the caller's connection by ${what}`, async () => {
      liar.hangsUp = true;
      liar.answer = raw + answerOf("200 OK", "X-Poisoned: yes").repeat(2);
      await using connection = await RawConnection.open(proxy, proxy.client);
      connection.send(get("/liar/x") + get("/other/x", "Connection: close"));
      await connection.closed();
      const heads = connection.unread.match(/HTTP\/1\.1 [2-5].*\r\n(.*\r\n)*?\r\n/g) ?? [];
      assert.ok(heads.length <= 2, "no more answers than requests");
      assert.ok(!heads[1]?.includes("X-Poisoned"), "the second is the other destination's");
    });
  }

  it("cannot put its words into the answer to the next request", async () => {
    liar.answer = answerOf("200 OK") + answerOf("200 OK", "X-Poisoned: yes").replace(/ok$/, "no");
    await using connection = await RawConnection.open(proxy, proxy.client);
    for (let asked = 0; asked < 5; asked++) {
      const answer = await connection.ask(get("/liar/x"));
      assert.deepEqual([answer?.body.toString(), answer?.headers["x-poisoned"]], ["ok", undefined]);
    }
  });

  const LOCATIONS: { what: string; given: (host: string) => string; stripped: string; kept?: string }[] = [
    { what: "absolute", given: (host) => `https://${host}/a?b=1`, stripped: "/liar/a?b=1", kept: "/a?b=1" },
    {
      what: "absolute, in other letters",
      given: (host) => `HTTPS://${host.toUpperCase()}/a`,
      stripped: "/liar/a",
      kept: "/a",
    },
    { what: "absolute without a path", given: (host) => `https://${host}`, stripped: "/liar/", kept: "/" },
    {
      what: "absolute with a query alone",
      given: (host) => `https://${host}?b=1`,
      stripped: "/liar/?b=1",
      kept: "/?b=1",
    },
    { what: "without a scheme", given: (host) => `//${host}/a`, stripped: "/liar/a", kept: "/a" },
    { what: "root-relative", given: () => "/a/../b?c", stripped: "/liar/a/../b?c" },
    { what: "relative", given: () => "a/b", stripped: "a/b" },
    { what: "a query alone", given: () => "?page=2", stripped: "?page=2" },
    { what: "to another host", given: () => "https://login.example.com/a", stripped: "https://login.example.com/a" },
    {
      what: "to another host without a scheme",
      given: () => "//login.example.com/a",
      stripped: "//login.example.com/a",
    },
    { what: "to a host that begins alike", given: (host) => `https://${host}0/a`, stripped: "", kept: "" },
    { what: "to plain http", given: (host) => `http://${host}/a`, stripped: "", kept: "" },
    { what: "to a user at the host", given: (host) => `https://x@${host}/a`, stripped: "", kept: "" },
  ];

  for (const { what, given, stripped, kept } of LOCATIONS) {
    it(`may redirect: a Location that is ${what}`, async () => {
      const location = given(new URL(liar.url).host);
      for (const [path, expected] of [
        ["/liar/x", stripped],
        ["/kept/x", kept ?? location],
      ] as const) {
        const answer = await told(answerOf("302 Found", `Location: ${location}`), path);
        assert.equal(answer?.headers.location, expected || location);
      }
    });
  }
});
