import assert from "node:assert/strict";
import { Readable } from "node:stream";
import fc from "fast-check";
import { FormData } from "node-fetch";
import { createMtlsAgent, createMtlsFetch, type MtlsRequestInit } from "../src";
import { MOMENTS, type Moment, type RawBackend, startRawBackend } from "./support/raw-backend";
import { startServer } from "./support/server";
import { until } from "./support/wait";

type Body = MtlsRequestInit["body"];

const BODIES: Record<string, () => Body> = {
  none: () => undefined,
  text: () => "body",
  bytes: () => Buffer.from("body"),
  "many bytes": () => Buffer.alloc(300_000, "b"),
  parameters: () => new URLSearchParams({ a: "b" }),
  form: () => {
    const form = new FormData();
    form.set("a", "b");
    return form;
  },
  stream: () => Readable.from(["bo", "dy"]),
};

interface Case {
  method: string;
  body: string;
  repeatable: boolean | undefined;
  moment: Moment;
  /** On a connection that served another request before. */
  kept: boolean;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    method: fc.constantFrom("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"),
    body: fc.constantFrom(...Object.keys(BODIES)),
    repeatable: fc.constantFrom(undefined, true, false),
    moment: fc.constantFrom(...MOMENTS),
    kept: fc.boolean(),
  })
  .filter(({ method, body }) => body === "none" || !["GET", "HEAD"].includes(method))
  .filter(({ kept, moment }) => kept || moment !== "while it was idle");

describe("the repeat of a request whose connection broke", () => {
  let backend: RawBackend;
  let ids = 0;

  before(async () => {
    backend = await startRawBackend();
  });
  after(() => backend[Symbol.asyncDispose]());

  /** @returns whether the call had its answer */
  async function call({ method, body, repeatable, moment, kept }: Case, id: string): Promise<boolean> {
    const fetch = createMtlsFetch(backend.params);
    if (kept) await warmUp();
    else createMtlsAgent(backend.params).destroy();
    if (moment === "while it was idle") backend.breakIdle();
    else backend.breakOnce(id, moment);
    const init: MtlsRequestInit = { method, body: BODIES[body]?.(), headers: { "x-id": id } };
    try {
      const response = await fetch("/", repeatable === undefined ? init : { ...init, repeatable });
      const text = await response.text();
      return method === "HEAD" || text === "answer";
    } catch {
      return false;
    }
  }

  /** Leaves a kept connection behind. */
  async function warmUp(): Promise<void> {
    const agent = createMtlsAgent(backend.params);
    await (await createMtlsFetch(backend.params)("/", { headers: { "x-id": "warm" } })).text();
    await until(() => Object.keys(agent.freeSockets).length > 0);
  }

  it("happens once, if the backend may get it twice, its body is no stream, and no answer had begun", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(cases, async (each) => {
        const id = String(++ids);
        const isIdempotent = each.repeatable ?? !["POST", "PATCH"].includes(each.method);
        const isUnanswered =
          !each.moment.includes("answer's") || (each.method === "HEAD" && each.moment.endsWith("body"));
        const isRepeated = isIdempotent && each.body !== "stream" && isUnanswered;

        const succeeded = await call(each, id);

        if (!isIdempotent) assert.ok(backend.seen(id) <= 1, "not twice");
        assert.ok(backend.seen(id) <= 2, "not thrice");
        const answersWithoutBody = each.method === "HEAD" && each.moment === "in the answer's body";
        assert.equal(succeeded, isRepeated || answersWithoutBody);
      }),
      { numRuns: 300 },
    );
  });

  it("goes over a fresh connection, because other kept ones may be dead as well", async () => {
    const fetch = createMtlsFetch(backend.params);
    await Promise.all(Array.from({ length: 3 }, async () => (await fetch("/")).text()));
    await until(() => Object.keys(createMtlsAgent(backend.params).sockets).length === 0);
    const before = backend.connections();
    backend.breakOnce("fresh", "after the head");
    assert.equal(await (await fetch("/", { headers: { "x-id": "fresh" } })).text(), "answer");
    assert.equal(backend.connections(), before + 1);
  });

  it("serves many calls whose connections are dead at once", async () => {
    const fetch = createMtlsFetch(backend.params);
    await Promise.all(Array.from({ length: 5 }, async () => (await fetch("/")).text()));
    await until(() => Object.keys(createMtlsAgent(backend.params).sockets).length === 0);
    backend.breakIdle();
    const answers = await Promise.all(Array.from({ length: 5 }, async () => (await fetch("/")).text()));
    assert.deepEqual([...new Set(answers)], ["answer"]);
  });

  it("happens for every method when the connection never came about, because nothing was sent", async () => {
    for (const method of ["GET", "POST", "PATCH"]) {
      createMtlsAgent(backend.params).destroy();
      backend.breakHandshakes(1);
      const id = `new-${method.toLowerCase()}`;
      const init = { method, body: method === "GET" ? null : "body", headers: { "x-id": id } };
      const response = await createMtlsFetch(backend.params)("/", { ...init, repeatable: false });
      assert.equal(await response.text(), "answer");
      assert.equal(backend.seen(id), 1);
    }
  });

  it("happens once only when no connection comes about", async () => {
    createMtlsAgent(backend.params).destroy();
    const before = backend.attempts();
    backend.breakHandshakes(5);
    await assert.rejects(createMtlsFetch(backend.params)("/"), { code: "ERR_MTLS_CONNECTION_LOST" });
    backend.breakHandshakes(0);
    assert.equal(backend.attempts(), before + 2);
  });

  it("does not happen to a stream that was to go over a connection that never came about", async () => {
    createMtlsAgent(backend.params).destroy();
    backend.breakHandshakes(1);
    const init = { method: "PUT", body: Readable.from(["body"]) };
    await assert.rejects(createMtlsFetch(backend.params)("/", init), { code: "ERR_MTLS_CONNECTION_LOST" });
  });

  it("keeps to the caller's signal", async () => {
    await warmUp();
    backend.breakIdle();
    await assert.rejects(createMtlsFetch(backend.params)("/", { signal: AbortSignal.abort() }), { name: "AbortError" });
  });

  it("says that a POST was lost, with Node's error as the cause", async () => {
    await warmUp();
    backend.breakIdle();
    await assert.rejects(
      createMtlsFetch(backend.params)("/", { method: "POST" }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "ERR_MTLS_CONNECTION_LOST");
        assert.match(String(error.cause), /ECONNRESET|EPIPE|hang up/);
        return true;
      },
    );
  });
});

describe("the repeat of a request that the proxy could not forward", () => {
  /** Answers what the proxy would, until it is asked for the last time. */
  async function startUnreachable(times: number, code = "destination_unreachable") {
    const bodies: string[] = [];
    const server = await startServer({
      answer: async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        bodies.push(body);
        if (bodies.length > times) response.end("answer");
        else response.writeHead(502, { "x-mtls-proxy-error": code }).end("{}");
      },
    });
    return { ...server, bodies };
  }

  it("happens once for every method, because nothing was sent", async () => {
    for (const method of ["GET", "POST", "PATCH"]) {
      await using server = await startUnreachable(1);
      const body = method === "GET" ? null : "body";
      const response = await createMtlsFetch(server.params)("/", { method, body });
      assert.equal(await response.text(), "answer");
      assert.deepEqual(server.bodies, [body ?? "", body ?? ""]);
    }
  });

  it("does not happen twice", async () => {
    await using server = await startUnreachable(5);
    const fetch = createMtlsFetch(server.params, { throwProxyErrors: true });
    await assert.rejects(fetch("/", { method: "POST" }), { reason: "destination_unreachable" });
    assert.equal(server.bodies.length, 2);
  });

  it("does not happen to a stream, which is consumed", async () => {
    await using server = await startUnreachable(1);
    const response = await createMtlsFetch(server.params)("/", { method: "POST", body: Readable.from(["body"]) });
    assert.equal(response.status, 502);
    assert.deepEqual(server.bodies, ["body"]);
  });

  it("does not happen after other failures, which the destination may have seen", async () => {
    for (const code of ["destination_failed", "destination_timeout"]) {
      await using server = await startUnreachable(1, code);
      assert.equal((await createMtlsFetch(server.params)("/")).status, 502);
      assert.equal(server.bodies.length, 1);
    }
  });
});
