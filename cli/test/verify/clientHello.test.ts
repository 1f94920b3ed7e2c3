import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureVersion, type TlsOptions } from "node:tls";
import fc from "fast-check";
import { issueCa, issueServer } from "../../../test/support/certificates";
import { STRONG_CODES, TLS13_CODES, WEAK_CODES } from "../../src/verify/ciphers";
import { offer, type Reply, type TlsVersion } from "../../src/verify/clientHello";

const EVERYTHING = [...STRONG_CODES, ...WEAK_CODES];

async function withServer<Result>(server: Server, use: (port: number) => Promise<Result>): Promise<Result> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
  server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const ask = (port: number, version: TlsVersion, ciphers = EVERYTHING, limitMs?: number): Promise<Reply> =>
  offer({ host: "127.0.0.1", port }, { version, ciphers }, limitMs);

describe("a ClientHello by hand", function () {
  this.timeout(30_000);
  let certificate: TlsOptions;

  before(async () => {
    certificate = await issueServer(await issueCa());
  });

  const VERSIONS: [TlsVersion, SecureVersion][] = [
    ["TLS 1.0", "TLSv1"],
    ["TLS 1.1", "TLSv1.1"],
    ["TLS 1.2", "TLSv1.2"],
    ["TLS 1.3", "TLSv1.3"],
  ];

  for (const [version, only] of VERSIONS) {
    it(`finds out that a server speaks ${version} and nothing else`, async () => {
      const server = createTlsServer({ ...certificate, minVersion: only, maxVersion: only, ciphers: "ALL@SECLEVEL=0" });
      await withServer(server, async (port) => {
        for (const [offered] of VERSIONS) {
          const reply = await ask(port, offered, offered === "TLS 1.3" ? TLS13_CODES : EVERYTHING);
          // up to TLS 1.2 a server may answer with less than it is offered
          assert.equal(reply.version === offered, offered === version, `${offered}: ${JSON.stringify(reply)}`);
        }
        assert.equal((await ask(port, "SSL 3.0")).kind, "refused");
      });
    });
  }

  it("learns the cipher that was chosen, and whether a client certificate is asked for", async () => {
    for (const requestCert of [true, false]) {
      const ciphers = "ECDHE-ECDSA-AES128-SHA";
      await withServer(createTlsServer({ ...certificate, ciphers, requestCert }), async (port) => {
        assert.deepEqual(await ask(port, "TLS 1.2", WEAK_CODES), {
          kind: "accepted",
          version: "TLS 1.2",
          cipher: 0xc009,
          asksForCertificate: requestCert,
        });
        assert.equal((await ask(port, "TLS 1.2", STRONG_CODES)).kind, "refused");
      });
    }
  });

  it("tells silence and what is no TLS from a refusal", async () => {
    await withServer(
      createServer((socket) => socket.resume()),
      async (port) => {
        assert.deepEqual(await ask(port, "TLS 1.2", EVERYTHING, 100), { kind: "silent" });
      },
    );
    await withServer(
      createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
      async (port) => {
        assert.deepEqual(await ask(port, "TLS 1.2"), { kind: "other" });
      },
    );
    await withServer(
      createServer((socket) => socket.destroy()),
      async (port) => {
        assert.deepEqual(await ask(port, "TLS 1.2"), { kind: "refused" });
      },
    );
  });

  it("comes to an end whatever the server sends", async () => {
    let said = Buffer.alloc(0);
    const server = createServer((socket) => socket.end(said));
    const hello = Buffer.from(`160303004a0200004603037a${"00".repeat(31)}20${"00".repeat(32)}c02b00`, "hex");
    const mangled = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
      const bytes = Buffer.from(hello);
      for (const [at, value] of changes) bytes.writeUInt8(value, at);
      return bytes;
    });
    const cut = fc.nat(hello.length).map((length) => hello.subarray(0, length));
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    await withServer(server, (port) =>
      fc.assert(
        fc.asyncProperty(fc.oneof(mangled, cut, anything), async (bytes) => {
          said = bytes;
          const { kind } = await ask(port, "TLS 1.2", STRONG_CODES, 1_000);
          assert.ok(["accepted", "refused", "silent", "other"].includes(kind));
        }),
        { numRuns: 500 },
      ),
    );
  });
});
