import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { TLSSocket } from "node:tls";
import { type MtlsServer, startServer } from "../../action-lib/test/support/server";
import { Consumer, type Pack, packLibrary } from "./consumer";
import { installNodes, NODE_RELEASES } from "./nodes";

const KINDS = ["commonjs", "esm", "typescript", "webpack", "jest"] as const;
const JEST = ["node_modules/jest/bin/jest.js", "--runInBand"];

describe("the packed library", function () {
  this.timeout(600_000);

  let server: MtlsServer;
  let pack: Pack;
  let nodes: Map<number, string>;
  const consumers = new Map<string, Consumer>();

  before(async () => {
    server = await startServer({ answer: tellClient });
    [pack, nodes] = await Promise.all([packLibrary(), installNodes()]);
    await Promise.all(
      KINDS.map(async (kind) => consumers.set(kind, await Consumer.install(kind, pack, server.params))),
    );
  });

  after(async () => {
    await Promise.all([server, pack, ...consumers.values()].map((resource) => resource?.[Symbol.asyncDispose]()));
  });

  function consumer(kind: (typeof KINDS)[number]): Consumer {
    const found = consumers.get(kind);
    assert.ok(found);
    return found;
  }

  async function assertCalls(kind: (typeof KINDS)[number], release: number, ...args: string[]): Promise<void> {
    const answer = await consumer(kind).run(nodes.get(release) ?? "", ...args);
    assert.deepEqual(answer, { client: "app-builder", url: "/path/to/resource?param=value", body: "" });
  }

  it("holds what is built and nothing else", () => {
    const others = pack.files.filter((path) => !/^dist\/[\w-]+(\.js|\.js\.map|\.d\.ts)$/.test(path));
    assert.deepEqual(others.sort(), ["LICENSE", "README.md", "package.json"]);
  });

  for (const release of NODE_RELEASES) {
    describe(`on Node ${release}`, () => {
      it("is that release", async () => {
        const version = await consumer("commonjs").run(
          nodes.get(release) ?? "",
          "-p",
          "JSON.stringify(process.versions)",
        );
        assert.match(String(Reflect.get(version as object, "node")), new RegExp(`^${release}\\.`));
      });
      it("calls from CommonJS", () => assertCalls("commonjs", release, "call.js"));
      it("calls from an ES module, by its named exports", () => assertCalls("esm", release, "call.js"));
      it("calls from a jest test", () => assertCalls("jest", release, ...JEST));
    });
  }

  describe("in TypeScript, with every declaration checked,", () => {
    for (const [resolution, programs] of Object.entries({
      node16: ["call.js", "call-module.mjs"],
      nodenext: ["call.js", "call-module.mjs"],
      bundler: ["call-module.mjs"],
      node10: ["call.js"],
    })) {
      it(`compiles with module resolution ${resolution} and calls on Node ${NODE_RELEASES.join(", ")}`, async () => {
        const tsc = ["node_modules/typescript/bin/tsc", "--project", `tsconfig.${resolution}.json`];
        await consumer("typescript").run(process.execPath, ...tsc);
        for (const release of NODE_RELEASES) {
          for (const program of programs) await assertCalls("typescript", release, `out/${resolution}/${program}`);
        }
      });
    }
  });

  it(`is bundled by webpack without a warning and calls on Node ${NODE_RELEASES.join(", ")}`, async () => {
    await consumer("webpack").run(process.execPath, "build.js");
    for (const release of NODE_RELEASES) await assertCalls("webpack", release, "out/call.js");
  });
});

/** Answers with what only mutual TLS can tell. */
const tellClient: RequestListener = async (request, response) => {
  const { socket, url } = request;
  const client = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ client, url, body: await text(request) }));
};
