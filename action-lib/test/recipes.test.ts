import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { main as axios } from "./recipes/axios";
import { main as got } from "./recipes/got";
import { main as httpsRequest } from "./recipes/https-request";
import { main as nodeFetch } from "./recipes/node-fetch";
import { main as undici } from "./recipes/undici";
import { makeCa } from "./support/certificates";
import { assertHidesKey } from "./support/secrets";
import { paramsOf, startServer } from "./support/server";

// Adobe's package has no types, so its recipe has none.
const { main: aioLib } = require("./recipes/aio-lib-core-networking");

const RECIPES = {
  "node-fetch": nodeFetch,
  axios,
  got,
  undici,
  "https-request": httpsRequest,
  "aio-lib-core-networking": aioLib,
};

describe("the recipes of docs/library.md", () => {
  for (const [name, main] of Object.entries(RECIPES)) {
    it(`call over mutual TLS, on connections that are kept: ${name}`, async () => {
      let connections = 0;
      await using server = await startServer({ answer: tellClient });
      server.server.on("secureConnection", () => {
        connections++;
      });
      for (let call = 0; call < 5; call++) {
        assert.deepEqual(await main(server.params), { statusCode: 200, body: { client: "app-builder", url: "/path" } });
      }
      // undici opens a second one when it is asked in the same turn in which the first becomes free.
      assert.ok(connections <= 2, `${connections} connections for 5 calls`);
    });

    it(`verify the server, and show no key when it fails: ${name}`, async () => {
      await using server = await startServer();
      const stranger = await paramsOf(await makeCa({ commonName: "other CA" }), server.endpoint);
      await assert.rejects(Promise.resolve(main(stranger)), (error: unknown) => {
        assertHidesKey(error, stranger.__AIO_MTLS_KEY);
        assert.match(String(error), /self.signed certificate|unable to (get|verify)/);
        return true;
      });
    });
  }
});

const tellClient: NonNullable<Parameters<typeof startServer>[0]>["answer"] = ({ socket, url }, response) => {
  const client = (socket as TLSSocket).getPeerCertificate().subject.CN;
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ client, url }));
};
