import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { createMtlsFetch } from "app-builder-mtls";
import { startServer } from "./support/server";

describe("the built library", () => {
  const CODINGS: [string, string, (plain: string) => Buffer][] = [
    ["gzip", "gzip", gzipSync],
    ["x-gzip", "gzip under its old name", gzipSync],
    ["deflate", "deflate", deflateSync],
    ["deflate", "deflate without its header, as old servers send it", deflateRawSync],
    ["br", "Brotli", brotliCompressSync],
  ];
  for (const [coding, what, compress] of CODINGS) {
    it(`reads an answer in ${what}`, async () => {
      await using server = await startServer({
        answer: (_, response) => response.setHeader("Content-Encoding", coding).end(compress("hello")),
      });
      const response = await createMtlsFetch(server.params)("/");
      assert.equal(await response.text(), "hello");
    });
  }

  it("lets a first call wait for nothing that only others need", async () => {
    await using server = await startServer();
    const child = spawn(process.execPath, [require.resolve("./support/modules-of-a-call.cjs")]);
    child.stderr.pipe(process.stderr);
    child.stdin.end(JSON.stringify(server.params));
    const loaded: string[] = JSON.parse(await text(child.stdout));
    assert.ok(loaded.includes("NativeModule https"), "it lists modules");
    const needless = loaded.filter((name) =>
      /^NativeModule (zlib|fs\/promises|internal\/webstreams\/readablestream)$/.test(name),
    );
    assert.deepEqual(needless, []);
  });
});
