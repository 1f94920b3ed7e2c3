import assert from "node:assert/strict";
import type { TestProxy } from "../../support/proxy";

/** Fails when a text holds a line of the client's key or certificate, or either in base64. */
export function assertHoldsNoKey(text: string, { client }: Pick<TestProxy, "client">): void {
  const lines = `${client.key}\n${client.cert}`.split("\n").filter((line) => line && !line.startsWith("-----"));
  for (const line of lines) assert.ok(!text.includes(line), "a line of a PEM shows");
  for (const pem of [client.key, client.cert])
    assert.ok(!text.includes(Buffer.from(pem).toString("base64").slice(-80, -40)), "a PEM shows in base64");
}
