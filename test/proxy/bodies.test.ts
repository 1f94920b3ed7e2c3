import assert from "node:assert/strict";
import { type RecordingBackend, startBackend } from "../support/backend";
import { growthDuring } from "../support/memory";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { digestOf, pieces, send } from "../support/streams";

const MEBIBYTE = 1024 * 1024;
/** What nginx and the callers beside it may grow by, however large a body is. */
const BOUND = { nginx: 24 * MEBIBYTE, client: 160 * MEBIBYTE };

describe("bodies", function () {
  this.timeout(120_000);
  let backend: RecordingBackend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startBackend({
      respond: async (request, response) => {
        if (request.method === "GET") {
          const bytes = Number(new URL(request.url ?? "", "http://x").searchParams.get("bytes"));
          if (request.headers["x-length"]) response.setHeader("content-length", bytes);
          for (const piece of pieces(bytes))
            if (!response.write(piece)) await new Promise((wake) => response.once("drain", wake));
          response.end();
        } else response.end(await digestOf(request));
      },
    });
    proxy = await startProxy({ destinations: [destinationOf(backend)], limits: { bodyMegabytes: 256 } });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });

  for (const [size, bytes] of Object.entries({ "0 B": 0, "1 B": 1, "1 MB": MEBIBYTE, "200 MB": 200 * MEBIBYTE })) {
    for (const [form, withLength] of [
      ["of known length", true],
      ["in chunks", false],
    ] as const) {
      it(`of ${size} ${form} pass in both directions, at bounded memory`, async () => {
        const expected = await digestOf(pieces(bytes));
        const clientBefore = process.memoryUsage.rss();
        const growth = await growthDuring(proxy.local.nginx.pid, async () => {
          const headers: Record<string, string> = withLength
            ? { "content-length": String(bytes) }
            : { "transfer-encoding": "chunked" };
          const uploaded = await send(proxy, "/", { method: "POST", body: pieces(bytes), headers });
          assert.equal((await uploaded.toArray()).join(""), expected);
          const downloaded = await send(proxy, `/?bytes=${bytes}`, { headers: withLength ? { "x-length": "1" } : {} });
          assert.equal(await digestOf(downloaded), expected);
        });
        assert.ok(growth < BOUND.nginx, `nginx grew by ${growth} bytes`);
        assert.ok(process.memoryUsage.rss() - clientBefore < BOUND.client);
      });
    }
  }

  it("pass piece by piece in both directions: nothing waits for the end", async () => {
    await using echo = await startBackend({
      respond: (request, response) => {
        response.flushHeaders();
        request.on("data", (piece: Buffer) => response.write(piece)).on("end", () => response.end());
      },
    });
    await using own = await startProxy({ destinations: [destinationOf(echo)] });
    let wantSecond = (): void => undefined;
    const secondWanted = new Promise<void>((resolve) => {
      wantSecond = resolve;
    });
    async function* body() {
      yield Buffer.from("first");
      await secondWanted;
      yield Buffer.from("second");
    }
    const answers: string[] = [];
    await send(own, "/", {
      method: "POST",
      body: body(),
      onAnswer: async (answer) => {
        for await (const piece of answer) {
          answers.push(String(piece));
          wantSecond();
        }
      },
    });
    assert.deepEqual(answers, ["first", "second"]);
  });

  it("are left off where a method or a status has none", async () => {
    const answer = await send(proxy, "/?bytes=1000", { method: "HEAD" });
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(await answer.toArray(), []);
  });
});
