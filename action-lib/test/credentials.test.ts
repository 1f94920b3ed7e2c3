import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { CredentialsError, createMtlsAgent, createMtlsFetch, credentials, type MtlsErrorCode } from "../src";
import { makeCa, type TestCa } from "./support/certificates";
import { assertHidesKey } from "./support/secrets";
import { type Params, paramsOf } from "./support/server";

describe("credentials", () => {
  let ca: TestCa;
  let other: TestCa;
  let good: Params;

  before(async () => {
    ca = await makeCa();
    other = await makeCa({ commonName: "other CA" });
    good = await paramsOf(ca, "https://proxy.example.com");
  });

  /** Each of the three ways in refuses alike, and tells no secret. */
  function assertRefused(params: object, code: MtlsErrorCode, message: RegExp): void {
    for (const use of [credentials, createMtlsAgent, createMtlsFetch]) {
      assert.throws(
        () => use(params),
        (error: unknown) => {
          assert.ok(error instanceof CredentialsError);
          assert.equal(error.code, code);
          assert.equal(error.name, "CredentialsError");
          assert.match(error.message, message);
          assertHidesKey(error, good.__AIO_MTLS_KEY);
          return true;
        },
      );
    }
  }

  for (const [form, write] of Object.entries({
    "real newlines": (pem: string) => pem,
    "newlines written as \\n": (pem: string) => pem.replaceAll("\n", "\\n"),
    "newlines written as \\r\\n": (pem: string) => pem.replaceAll("\n", "\\r\\n"),
    "Windows newlines": (pem: string) => pem.replaceAll("\n", "\r\n"),
    "blanks for newlines": (pem: string) => pem.replaceAll("\n", " "),
    "quotes that a tool left": (pem: string) => `"${pem.replaceAll("\n", "\\n")}"`,
    base64: (pem: string) => Buffer.from(pem).toString("base64"),
    "base64 in lines": (pem: string) => Buffer.from(pem).toString("base64").replace(/.{76}/g, "$&\n"),
    "base64 of newlines written as \\n": (pem: string) => Buffer.from(pem.replaceAll("\n", "\\n")).toString("base64"),
  })) {
    it(`reads PEM with ${form}`, () => {
      const read = credentials({
        __AIO_MTLS_ENDPOINT: "https://proxy.example.com/",
        __AIO_MTLS_CERT: write(good.__AIO_MTLS_CERT),
        __AIO_MTLS_KEY: write(good.__AIO_MTLS_KEY),
        __AIO_MTLS_CA: write(good.__AIO_MTLS_CA),
      });
      assert.equal(read.endpoint, "https://proxy.example.com");
      assert.equal(read.cert, good.__AIO_MTLS_CERT);
      assert.equal(read.key, good.__AIO_MTLS_KEY);
      assert.equal(read.ca, good.__AIO_MTLS_CA);
    });
  }

  it("reads a key in OpenSSL's older form, with its parameters before it", () => {
    const sec1 = createPrivateKey(good.__AIO_MTLS_KEY).export({ type: "sec1", format: "pem" });
    const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    assert.equal(credentials({ ...good, __AIO_MTLS_KEY: `${parameters}${sec1}` }).key, sec1);
  });

  it("takes two CAs, while one replaces the other", () => {
    const both = `${other.cert}${ca.cert}`;
    assert.equal(credentials({ ...good, __AIO_MTLS_CA: both }).ca, both);
  });

  it("shows the key to who asks for it, and in nothing that is printed", () => {
    const read = credentials(good);
    assertHidesKey(read, good.__AIO_MTLS_KEY);
    assertHidesKey({ ...read }, good.__AIO_MTLS_KEY);
    assert.equal(JSON.parse(JSON.stringify(read)).cert, good.__AIO_MTLS_CERT);
    assert.equal(read.key, good.__AIO_MTLS_KEY);
  });

  for (const name of ["__AIO_MTLS_ENDPOINT", "__AIO_MTLS_CERT", "__AIO_MTLS_KEY", "__AIO_MTLS_CA"] as const) {
    it(`says that ${name} is missing, and how an action gets it`, () => {
      const { [name]: _, ...rest } = good;
      assertRefused(rest, "ERR_MTLS_MISSING", new RegExp(`^${name} .*inputs in app\\.config\\.yaml`));
      assertRefused({ ...rest, [name]: null }, "ERR_MTLS_MISSING", new RegExp(`^${name}`));
    });

    it(`says that ${name} is empty`, () => {
      assertRefused({ ...good, [name]: "" }, "ERR_MTLS_EMPTY", new RegExp(`^${name} is empty`));
      assertRefused({ ...good, [name]: " \n" }, "ERR_MTLS_EMPTY", new RegExp(`^${name} is empty`));
    });

    it(`says that ${name} is no text`, () => {
      assertRefused(
        { ...good, [name]: { pem: good[name] } },
        "ERR_MTLS_NOT_TEXT",
        new RegExp(`^${name} is of type object`),
      );
    });

    it(`says that ${name} was not expanded`, () => {
      assertRefused(
        { ...good, [name]: `$${name}` },
        "ERR_MTLS_NOT_EXPANDED",
        new RegExp(`^${name} still is a variable's name`),
      );
      assertRefused(
        { ...good, [name]: `\${${name}}` },
        "ERR_MTLS_NOT_EXPANDED",
        new RegExp(`^${name} still is a variable's name`),
      );
    });

    it(`says that ${name} is a command that .env does not run`, () => {
      for (const command of ["(cat /path/to/mtls_client.crt)", "$(cat client.key)", "`cat client.key`"]) {
        assertRefused({ ...good, [name]: command }, "ERR_MTLS_COMMAND", new RegExp(`^${name} is a shell command`));
      }
    });
  }

  for (const name of ["__AIO_MTLS_CERT", "__AIO_MTLS_KEY", "__AIO_MTLS_CA"] as const) {
    it(`says that ${name} was mangled`, () => {
      const pem = good[name];
      const mangled = [
        pem.split("\n")[0],
        pem.slice(0, -30),
        pem.replace(/\n.{64}\n/, "\n"),
        pem.replaceAll("-----BEGIN", "----BEGIN"),
        Buffer.from(pem).toString("base64").slice(0, -60),
        "/path/to/file.pem",
        "bm90IFBFTSBhdCBhbGw=",
      ];
      for (const value of mangled) {
        assertRefused({ ...good, [name]: value }, "ERR_MTLS_MANGLED", new RegExp(`^${name} is not whole PEM`));
      }
    });
  }

  it("is quick about what a stranger sends, of whatever length", () => {
    const hostile = ["-----BEGIN A-----", " ", "A", "-", "-----BEGIN A-----A-----END B-----", "\\n"];
    const start = Date.now();
    for (const text of hostile) {
      const value = `!${text.repeat(1_000_000 / text.length)}!`;
      assert.throws(() => credentials({ ...good, __AIO_MTLS_CERT: value }), { code: "ERR_MTLS_MANGLED" });
    }
    assert.ok(Date.now() - start < 5_000);
  });

  it("says that certificate and key are swapped", () => {
    const swapped = { ...good, __AIO_MTLS_CERT: good.__AIO_MTLS_KEY, __AIO_MTLS_KEY: good.__AIO_MTLS_CERT };
    assertRefused(swapped, "ERR_MTLS_SWAPPED", /^__AIO_MTLS_CERT holds a private key/);
    assertRefused(
      { ...good, __AIO_MTLS_KEY: good.__AIO_MTLS_CERT },
      "ERR_MTLS_SWAPPED",
      /^__AIO_MTLS_KEY holds a cert/,
    );
    assertRefused(
      { ...good, __AIO_MTLS_CA: good.__AIO_MTLS_KEY },
      "ERR_MTLS_SWAPPED",
      /^__AIO_MTLS_CA holds a private/,
    );
  });

  it("says that certificate and CA are swapped", () => {
    const swapped = { ...good, __AIO_MTLS_CERT: good.__AIO_MTLS_CA, __AIO_MTLS_CA: good.__AIO_MTLS_CERT };
    assertRefused(swapped, "ERR_MTLS_SWAPPED", /CERT and __AIO_MTLS_CA are swapped/);
  });

  it("says that the key is encrypted", () => {
    const key = createPrivateKey(good.__AIO_MTLS_KEY);
    const cipher = { cipher: "aes-256-cbc", passphrase: "x", format: "pem" } as const;
    for (const type of ["pkcs8", "sec1"] as const) {
      const encrypted = key.export({ type, ...cipher });
      assertRefused({ ...good, __AIO_MTLS_KEY: encrypted }, "ERR_MTLS_KEY_ENCRYPTED", /passphrase/);
    }
  });

  it("says that the key is another certificate's", async () => {
    const { key } = await ca.issue();
    assertRefused({ ...good, __AIO_MTLS_KEY: key }, "ERR_MTLS_KEY_MISMATCH", /^__AIO_MTLS_KEY does not belong/);
  });

  it("refuses a certificate that the CA did not issue, though they are a pair", async () => {
    const { cert, key } = await other.issue();
    assertRefused(
      { ...good, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key },
      "ERR_MTLS_NOT_ISSUED_BY_CA",
      /^__AIO_MTLS_CERT was not issued by a CA in __AIO_MTLS_CA/,
    );
  });

  it("refuses the certificate of a twin of the CA, of the same name by another key", async () => {
    const twin = await makeCa();
    assertRefused({ ...good, __AIO_MTLS_CA: twin.cert }, "ERR_MTLS_NOT_ISSUED_BY_CA", /different stacks or rotations/);
  });

  it("refuses an expired certificate and says since when", async () => {
    const { cert, key } = await ca.issue({ fromDays: -10, toDays: -1 });
    assertRefused(
      { ...good, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key },
      "ERR_MTLS_EXPIRED",
      /ended at \d{4}-.*pulumi up/,
    );
  });

  it("refuses a certificate of the future and doubts the clock", async () => {
    const { cert, key } = await ca.issue({ fromDays: 1 });
    assertRefused({ ...good, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key }, "ERR_MTLS_NOT_YET_VALID", /clock/);
  });

  it("takes a certificate that was made a minute from now, because clocks drift", async () => {
    const { cert, key } = await ca.issue({ fromDays: 1 / 24 / 60 });
    assert.equal(credentials({ ...good, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key }).cert, cert);
  });

  it("refuses a CA that is expired", async () => {
    const old = await makeCa({ fromDays: -10, toDays: -1 });
    assertRefused(await paramsOf(old, "https://proxy.example.com"), "ERR_MTLS_CA_EXPIRED", /ca\.generation/);
  });

  it("refuses an endpoint that is not an https origin", () => {
    for (const endpoint of [
      "proxy.example.com",
      "http://proxy.example.com",
      "https://proxy.example.com/path",
      "https://proxy.example.com?a",
      "https://proxy.example.com/#",
      "https://user:password@proxy.example.com",
      "https://@proxy.example.com",
      "https://",
      good.__AIO_MTLS_KEY,
    ]) {
      assertRefused({ ...good, __AIO_MTLS_ENDPOINT: endpoint }, "ERR_MTLS_ENDPOINT_INVALID", /not an https origin/);
    }
  });

  it("takes the endpoint from the code where it is pinned", () => {
    const { __AIO_MTLS_ENDPOINT: _, ...rest } = good;
    const endpoint = "https://proxy.example.com";
    assert.equal(credentials(rest, { endpoint }).endpoint, endpoint);
    assert.equal(credentials({ ...rest, __AIO_MTLS_ENDPOINT: `${endpoint}:443/` }, { endpoint }).endpoint, endpoint);
  });

  it("refuses params that contradict the pinned endpoint", () => {
    assert.throws(() => credentials(good, { endpoint: "https://other.example.com" }), {
      code: "ERR_MTLS_ENDPOINT_MISMATCH",
    });
  });
});
