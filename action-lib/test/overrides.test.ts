import assert from "node:assert/strict";
import { createMtlsFetch } from "../src";
import { makeCa } from "./support/certificates";
import { type MtlsServer, type Params, paramsOf, startServer } from "./support/server";

type Variable = keyof Params;

const VARIABLES = ["__AIO_MTLS_ENDPOINT", "__AIO_MTLS_CERT", "__AIO_MTLS_KEY", "__AIO_MTLS_CA"] as const;

/** All ways to override some of the four: the bits of a number say which. */
const SUBSETS: Variable[][] = Array.from({ length: 2 ** VARIABLES.length }, (_, bits) =>
  VARIABLES.filter((_name, index) => bits & (1 << index)),
);

/** By the overridden variables, without their common prefix; everything else is refused when the fetch is made. */
const PASSING: Record<string, string> = {
  "": "reaches the proxy",
  ENDPOINT: "ERR_MTLS_SERVER_FOREIGN_CA",
  "CERT, KEY, CA": "ERR_MTLS_SERVER_FOREIGN_CA",
  "ENDPOINT, CERT, KEY, CA": "reaches the caller's server",
};

describe("a caller who overrides the action's inputs with credentials of their own", () => {
  let proxy: MtlsServer;
  let stranger: MtlsServer;
  let theirs: Params;

  before(async () => {
    proxy = await startServer({ answer: (_, response) => response.end("reaches the proxy") });
    stranger = await startServer({ answer: (_, response) => response.end("reaches the caller's server") });
    theirs = await paramsOf(stranger.ca, stranger.endpoint);
  });
  after(() => Promise.all([proxy, stranger].map((server) => server[Symbol.asyncDispose]())));

  const overridden = (names: Variable[]): Params =>
    Object.assign({ ...proxy.params }, ...names.map((name) => ({ [name]: theirs[name] })));

  /** What comes of a call: the answer, or the error's code. */
  async function outcome(params: Params, endpoint?: string): Promise<string> {
    try {
      const fetch = createMtlsFetch(params, endpoint === undefined ? {} : { endpoint });
      return await (await fetch("/")).text();
    } catch (error) {
      return String((error as { code: unknown }).code);
    }
  }

  for (const names of SUBSETS) {
    const title = names.map((name) => name.replace("__AIO_MTLS_", "")).join(", ");

    it(`gets nothing but what docs/security.md says from: ${title || "nothing"}`, async () => {
      const expected = PASSING[title] ?? /^ERR_MTLS_(KEY_MISMATCH|NOT_ISSUED_BY_CA)$/;
      const actual = await outcome(overridden(names));
      if (typeof expected === "string") assert.equal(actual, expected);
      else assert.match(actual, expected);
    });

    it(`never gets the action to their server where the endpoint is pinned, from: ${title || "nothing"}`, async () => {
      const actual = await outcome(overridden(names), proxy.endpoint);
      if (names.length === 0) assert.equal(actual, "reaches the proxy");
      else assert.match(actual, /^ERR_MTLS_(KEY_MISMATCH|NOT_ISSUED_BY_CA|ENDPOINT_MISMATCH|SERVER_FOREIGN_CA)$/);
    });
  }

  it("gets as little from a twin of the CA, of the same name", async () => {
    const twin = await paramsOf(await makeCa(), stranger.endpoint);
    const { __AIO_MTLS_CERT, __AIO_MTLS_KEY } = twin;
    assert.equal(await outcome({ ...proxy.params, __AIO_MTLS_CERT, __AIO_MTLS_KEY }), "ERR_MTLS_NOT_ISSUED_BY_CA");
  });
});
