import assert from "node:assert/strict";
import { parse } from "dotenv-of-aio";
import fc from "fast-check";
import { mergeDotenv } from "../src/dotenvFile";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB+/=\nabcd\n-----END CERTIFICATE-----\n";
const OURS = { __AIO_MTLS_ENDPOINT: "https://203.0.113.7", __AIO_MTLS_CERT: PEM };

describe("mergeDotenv", () => {
  it("writes values that aio's dotenv reads back, each on one line", () => {
    const text = mergeDotenv("", OURS);
    assert.deepEqual(parse(text), OURS);
    assert.equal(text.trimEnd().split("\n").length, 2);
  });

  it("replaces its own variables where they stand and leaves comments, order and blank lines alone", () => {
    const text = '# about\nA=1\n\n__AIO_MTLS_ENDPOINT="https://old" # stale\nB="x # y"\n';
    const merged = mergeDotenv(text, { __AIO_MTLS_ENDPOINT: "https://new" });
    assert.equal(merged, '# about\nA=1\n\n__AIO_MTLS_ENDPOINT=https://new\nB="x # y"\n');
  });

  it("is the same after a second merge", () => {
    const once = mergeDotenv("A=1", OURS);
    assert.equal(mergeDotenv(once, OURS), once);
  });

  it("keeps Windows' line ends", () => {
    assert.equal(mergeDotenv("A=1\r\n", { B: "2" }), "A=1\r\nB=2\r\n");
    assert.equal(mergeDotenv("B=1\r\nA=1\r\n", { B: "2" }), "B=2\r\nA=1\r\n");
  });

  it("ends the last line before it adds one", () => {
    assert.equal(mergeDotenv("A=1", { B: "2" }), "A=1\nB=2\n");
  });

  it("replaces a value over several lines whole", () => {
    const merged = mergeDotenv(`__AIO_MTLS_CERT="${PEM}"\nA=1\n`, { __AIO_MTLS_CERT: "new" });
    assert.equal(merged, "__AIO_MTLS_CERT=new\nA=1\n");
  });

  it("clears away a certificate that was pasted without quotes", () => {
    const merged = mergeDotenv(`A=1\n__AIO_MTLS_CERT=${PEM}B=2\n`, { __AIO_MTLS_CERT: "new" });
    assert.equal(merged, "A=1\n__AIO_MTLS_CERT=new\nB=2\n");
  });

  it("leaves one entry of a variable that stood twice", () => {
    assert.equal(mergeDotenv("X=1\nA=1\nX=2\n", { X: "3" }), "X=3\nA=1\n");
  });

  it("does not take a name inside another value, a comment or a longer name for its own", () => {
    const text = 'A="\nX=1\n"\n# X=2\nXX=3\nMY_X=4\n';
    assert.equal(mergeDotenv(text, { X: "5" }), `${text}X=5\n`);
  });

  it("never changes what aio's dotenv reads of other variables", () => {
    const name = fc.constantFrom("A", "B_1", "export", "C.d", "__AIO_MTLS_CERT");
    const value = fc.oneof(
      fc.stringMatching(/^[\w #=:/.-]{0,12}$/),
      fc.stringMatching(/^[\w #=\n]{0,12}$/).map((text) => `"${text}"`),
      fc.stringMatching(/^[\w #=\n]{0,12}$/).map((text) => `'${text}'`),
      fc.stringMatching(/^[\w #=\n]{0,12}$/).map((text) => `\`${text}\``),
    );
    const line = fc.oneof(
      fc
        .tuple(fc.constantFrom("", "export ", "  "), name, fc.constantFrom("=", " = ", ": "), value)
        .map((parts) => parts.join("")),
      fc.stringMatching(/^#[ \w]{0,8}$/),
      fc.constant(""),
    );
    const file = fc
      .tuple(fc.array(line, { maxLength: 6 }), fc.constantFrom("\n", "\r\n"))
      .map(([lines, end]) => lines.join(end));
    fc.assert(
      fc.property(file, (text) => {
        const { __AIO_MTLS_CERT: _, ...before } = parse(text);
        const { __AIO_MTLS_CERT: merged, ...after } = parse(mergeDotenv(text, { __AIO_MTLS_CERT: PEM }));
        assert.deepEqual(after, before);
        assert.equal(merged, PEM);
      }),
      { numRuns: 3_000 },
    );
  });
});
