import assert from "node:assert/strict";
import { type ByteBackend, startByteBackend } from "../support/byteBackend";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";

/** What may follow a prefix; each arrives as it was sent, byte for byte. */
const TAILS = [
  "/",
  "/plain",
  "/trailing/",
  "/a//b///c",
  "//",
  "//double.example.com/x",
  "/a/./b",
  "/a/../b",
  "/.",
  "/a/..%2fb",
  "/%2e%2e%5cb",
  "/%2F",
  "/a%2Fb%2f",
  "/a%252Fb",
  "/%41%2D%7e",
  "/a%20b+c",
  "/+",
  "/a;v=1,2",
  "/a:b@c!$&'()*",
  "/~user/-_.",
  "/a%0d%0aX-Mtls-Client:%20evil",
  "/a%09b",
  "/%FF%FE",
  "/caf%C3%A9",
  "/caf\u00c3\u00a9", // raw UTF-8, as latin1
  "/\u00ff\u0080",
  '/a"b',
  "/a<b>c",
  "/a\\b",
  "/a^b`c{d}e|f",
  "/[1]",
  "/$1$uri$request_uri",
  "/?",
  "/?a",
  "/?a=&b=%26&c=+",
  "/x?a=1&a=2;b",
  "/x?q=/../orders/",
  "/x?a?b??",
  "/x?url=https://a.example.com/?x=1#y",
  "/x?%",
  "/x?%zz",
  "/x?\u00e4=\u00fc",
  "/x#fragment",
  "/x.json?callback=$arg_x",
  `/${"a".repeat(30_000)}`,
  `/?${"q=1&".repeat(7_000)}`,
];

/** Not valid, or not the raw prefix of a destination: refused, and nothing reaches a backend. */
const REFUSED: [path: string, status: number, code: string][] = [
  ["/pim", 404, "no_such_destination"],
  ["/pim?x=1", 404, "no_such_destination"],
  ["/orders", 404, "no_such_destination"],
  ["/pim%2Fx", 404, "no_such_destination"],
  ["/%70im/x", 404, "no_such_destination"],
  ["/pi%6d/x", 404, "no_such_destination"],
  ["/./pim/x", 404, "no_such_destination"],
  ["/x/../pim/x", 404, "no_such_destination"],
  ["/pim/../orders/x", 404, "no_such_destination"],
  ["/pim/..%2forders/x", 404, "no_such_destination"],
  ["/pim/%2e%2e/orders/x", 404, "no_such_destination"],
  ["/orders/%2e./pim/x", 404, "no_such_destination"],
  ["/pim/../x", 404, "no_such_destination"],
  ["/orders/../pim", 404, "no_such_destination"],
  ["/.mtls-proxy/", 404, "no_such_destination"],
  ["/.mtls-proxy/refused", 404, "no_such_destination"],
  ["/.mtls-proxy/errors/bad_request", 404, "no_such_destination"],
  ["/%2emtls-proxy/refused", 404, "no_such_destination"],
  ["/pim/../.mtls-proxy/refused", 404, "no_such_destination"],
  ["/pim/%", 400, "bad_request"],
  ["/pim/%zz", 400, "bad_request"],
  ["/pim/%4", 400, "bad_request"],
  ["/pim/%00", 400, "bad_request"],
  ["/pim/../../x", 400, "bad_request"],
  ["/../pim/x", 400, "bad_request"],
  ["/pim/a b", 400, "bad_request"],
  ["/pim/a\tb", 400, "bad_request"],
  ["/pim/a\u0001b", 400, "bad_request"],
  ["/pim/a\u0000b", 400, "bad_request"],
  ["/pim/a\u007fb", 400, "bad_request"],
  ["pim/x", 400, "bad_request"],
  ["*", 400, "bad_request"],
  ["", 400, "bad_request"],
  [`/pim/${"a".repeat(33_000)}`, 414, "uri_too_large"],
];

describe("paths", () => {
  let backends: Record<"root" | "pim" | "orders", ByteBackend>;
  let proxy: TestProxy;

  before(async () => {
    backends = { root: await startByteBackend(), pim: await startByteBackend(), orders: await startByteBackend() };
    proxy = await startProxy({
      destinations: [
        destinationOf(backends.root, { name: "root", path: "/" }),
        destinationOf(backends.pim, { name: "pim", path: "/pim/" }),
        destinationOf(backends.orders, { name: "orders", path: "/orders/", stripPath: false }),
      ],
      limits: { requestsPerSecondPerClient: 0, requestsPerSecondPerAddress: 0 },
    });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const backend of Object.values(backends)) await backend[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    for (const backend of Object.values(backends)) backend.seen.length = 0;
  });

  for (const tail of TAILS) {
    it(`passes ${short(tail)} as it came, with the prefix stripped, kept, and without one`, async () => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      // what climbs out of a prefix is judged below
      for (const path of [`/pim${tail}`, `/orders${tail}`, tail])
        assert.equal((await connection.ask(get(path)))?.status, 200, path.slice(0, 100));
      assert.deepEqual(arrived(), { root: [tail], pim: [tail], orders: [`/orders${tail}`] });
    });
  }

  for (const [path, status, code] of REFUSED) {
    it(`refuses ${short(path) || "an empty path"} with ${status} ${code}`, async () => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      const answer = await connection.ask(get(path));
      assert.deepEqual([answer?.status, answer?.headers["x-mtls-proxy-error"]], [status, code]);
      assert.equal(JSON.parse(answer?.body.toString() ?? "").error, code);
      assert.deepEqual(arrived(), { root: [], pim: [], orders: [] });
    });
  }

  it("takes the path out of a request line with a whole URL, whatever host it names", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    for (const host of ["localhost", "orders", "169.254.169.254"])
      assert.equal((await connection.ask(get(`https://${host}/pim/x?y=%2F`)))?.status, 200);
    assert.deepEqual(arrived(), { root: [], pim: ["/x?y=%2F", "/x?y=%2F", "/x?y=%2F"], orders: [] });
  });

  it("sends a whole URL without a path to no destination but the one at /", async () => {
    await using connection = await RawConnection.open(proxy, proxy.client);
    assert.equal((await connection.ask(get("https://localhost")))?.status, 200);
    assert.equal((await connection.ask(get("https://localhost?key=1")))?.status, 404);
    assert.deepEqual(arrived(), { root: ["/"], pim: [], orders: [] });
  });

  it("has a path for nobody where no destination is at /", async () => {
    await using alone = await startProxy({ destinations: [destinationOf(backends.pim, { path: "/pim/" })] });
    await using connection = await RawConnection.open(alone, alone.client);
    for (const path of ["/", "/x", "/pimx/", "/PIM/x", "//pim/x", "/pim%20/x"])
      assert.equal((await connection.ask(get(path)))?.headers["x-mtls-proxy-error"], "no_such_destination", path);
    assert.deepEqual(arrived().pim, []);
  });

  it("keeps a prefix of several segments, and neighbours that begin alike, apart", async () => {
    await using alike = await startProxy({
      destinations: [
        destinationOf(backends.pim, { name: "pim", path: "/a/b.c/" }),
        destinationOf(backends.orders, { name: "orders", path: "/a/b.cd" }),
      ],
    });
    await using connection = await RawConnection.open(alike, alike.client);
    for (const path of ["/a/b.c/1", "/a/b.cd/2"]) assert.equal((await connection.ask(get(path)))?.status, 200);
    for (const path of ["/a/bxc/3", "/a/4", "/a/b.cde/5"])
      assert.equal((await connection.ask(get(path)))?.status, 404, path);
    assert.deepEqual(arrived(), { root: [], pim: ["/1"], orders: ["/2"] });
  });

  const arrived = () =>
    Object.fromEntries(Object.entries(backends).map(([name, { seen }]) => [name, seen.map(({ target }) => target)]));
});

function short(path: string): string {
  const printable = JSON.stringify(path).slice(1, -1);
  return printable.length > 60 ? `${printable.slice(0, 40)}… (${path.length} bytes)` : printable;
}
