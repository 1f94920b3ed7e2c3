import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type Backend, startBackend, startRawBackend } from "../support/backend";
import { SECOND_MS } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";
import { pieces } from "../support/streams";
import { until } from "../support/until";

/** How much later than documented a cut may be seen, in milliseconds. */
const GRACE_MS = 5 * SECOND_MS;
const LIMIT_MS = 100 * SECOND_MS;

interface Cut {
  /** Milliseconds from the last byte that moved. */
  took: number;
  /** Status and code, where the caller is told. */
  told?: [number | undefined, string | undefined];
}

const post = (path: string, bytes: number) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;

const CASES: Record<string, { seconds: number; told?: Cut["told"]; cut: (proxy: TestProxy) => Promise<Cut> }> = {
  "a caller that never begins its handshake": {
    seconds: 15,
    cut: async ({ port }) => {
      const socket = connect(port, "127.0.0.1");
      return timed(async () => void (await once(socket.resume(), "close")));
    },
  },
  "a caller that never begins its request": { seconds: 15, cut: (proxy) => silentAfter(proxy, "") },
  "a caller that stops in its header": {
    seconds: 15,
    cut: (proxy) => silentAfter(proxy, "GET /quick/ HTTP/1.1\r\nHost: "),
  },
  "a caller that stops in its body": {
    seconds: 30,
    cut: (proxy) => silentAfter(proxy, `${post("/quick/", 100)}abc`),
  },
  "a caller that stops reading": {
    seconds: 30,
    cut: async (proxy) => {
      const connection = await RawConnection.open(proxy, proxy.client);
      connection.socket.pause();
      connection.send(get("/endless/"));
      return timed(() => until(async () => (await proxy.accessLog()).includes('"path":"/endless/"'), LIMIT_MS));
    },
  },
  "a destination that stops reading": {
    seconds: 30,
    told: [504, "destination_timeout"],
    cut: async (proxy) => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      connection.send(post("/deaf/", 50_000_000));
      for (const piece of pieces(20_000_000)) connection.send(piece);
      return await timedAnswer(connection);
    },
  },
  "a caller that leaves its connection idle": {
    seconds: 75,
    cut: async (proxy) => {
      await using connection = await RawConnection.open(proxy, proxy.client);
      await connection.ask(get("/quick/"));
      return await timed(() => connection.closed(LIMIT_MS));
    },
  },
};

/** All wait at the same time: each test takes its own from here. */
describe("who stops", function () {
  this.timeout(LIMIT_MS + 20 * SECOND_MS);
  let backends: Backend[];
  let proxy: TestProxy;
  const cuts = new Map<string, Promise<Cut>>();

  before(async () => {
    const endless = await startBackend({
      respond: async (request, response) => {
        request.resume();
        for (const piece of pieces(2 ** 40)) {
          if (response.destroyed) return;
          if (!response.write(piece)) await new Promise((wake) => response.once("drain", wake));
        }
      },
    });
    const deaf = await startRawBackend((socket) => socket.once("data", () => socket.pause()));
    const quick = await startBackend();
    backends = [endless, deaf, quick];
    proxy = await startProxy({
      destinations: [
        destinationOf(endless, { name: "endless", path: "/endless/" }),
        destinationOf(deaf, { name: "deaf", path: "/deaf/" }),
        destinationOf(quick, { name: "quick", path: "/quick/" }),
      ],
    });
    for (const [what, { cut }] of Object.entries(CASES)) {
      const promise = cut(proxy);
      promise.catch(() => undefined); // awaited by its own test
      cuts.set(what, promise);
    }
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const backend of backends) await backend[Symbol.asyncDispose]();
  });

  for (const [what, { seconds, told }] of Object.entries(CASES)) {
    it(`${what} is cut off after ${seconds} s`, async () => {
      const cut = await cuts.get(what);
      const took = cut?.took ?? 0;
      assert.ok(took > (seconds - 1) * SECOND_MS && took < seconds * SECOND_MS + GRACE_MS, `${took} ms`);
      assert.deepEqual(cut?.told, told);
    });
  }
});

async function silentAfter(proxy: TestProxy, bytes: string): Promise<Cut> {
  await using connection = await RawConnection.open(proxy, proxy.client);
  connection.send(bytes);
  return await timedAnswer(connection);
}

async function timedAnswer(connection: RawConnection): Promise<Cut> {
  const started = Date.now();
  const answer = await connection.answer(LIMIT_MS);
  return { took: Date.now() - started, told: answer && [answer.status, answer.headers["x-mtls-proxy-error"]] };
}

async function timed(work: () => Promise<void>): Promise<Cut> {
  const started = Date.now();
  await work();
  return { took: Date.now() - started };
}
