import assert from "node:assert/strict";
import { createMtlsAgent, createMtlsFetch } from "../src";
import { startServer } from "./support/server";
import { until } from "./support/wait";

const CLIENTS = 20;
const CALLS_EACH = 25;

describe("many clients of a server that keeps closing its idle connections", () => {
  it("have every answer to what may be repeated, and leave nothing behind", async function () {
    this.timeout(120_000);
    await using server = await startServer({ answer: (_, response) => response.end("answer") });
    const agent = createMtlsAgent(server.params);
    const listeners = process.listenerCount("unhandledRejection");
    const closing = setInterval(() => server.server.closeIdleConnections(), 25);

    const answers = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const texts = new Set<string>();
        for (let call = 0; call < CALLS_EACH; call++) {
          const response = await createMtlsFetch(server.params)("/", { method: call % 2 ? "GET" : "PUT" });
          texts.add(await response.text());
        }
        return [...texts];
      }),
    ).finally(() => clearInterval(closing));

    assert.deepEqual([...new Set(answers.flat())], ["answer"]);
    await until(() => Object.keys(agent.sockets).length === 0);
    assert.deepEqual(Object.keys(agent.requests), []);
    assert.equal(process.listenerCount("unhandledRejection"), listeners);
  });
});
