import assert from "node:assert/strict";
import { issueCa, issueClient, issueServer } from "../../../test/support/certificates";
import { httpsServer } from "../../../test/verify/support/standIns";
import { askAsClient, isAnswer } from "../../src/verify/exchange";

describe("a question as the client", () => {
  const { NODE_TLS_REJECT_UNAUTHORIZED } = process.env;
  afterEach(() => {
    if (NODE_TLS_REJECT_UNAUTHORIZED === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = NODE_TLS_REJECT_UNAUTHORIZED;
  });

  it("is put to no server but the CA's, even with NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    const ca = await issueCa();
    const client = await issueClient(ca);
    for (const isOfCa of [true, false]) {
      const asked: unknown[] = [];
      const certificate = await issueServer(isOfCa ? ca : await issueCa(), { names: ["127.0.0.1"] });
      await using server = await httpsServer(
        certificate,
        ({ url }, response) => response.end(`${asked.push(url)}`),
        ca,
      );
      const { endpoint, port } = server;
      const insider = { endpoint, host: "127.0.0.1", port, client, ca: ca.cert, egressIps: [] };
      const reply = await askAsClient(insider, { path: "/" });
      assert.deepEqual([asked, isAnswer(reply)], [isOfCa ? ["/"] : [], isOfCa]);
    }
  });
});
