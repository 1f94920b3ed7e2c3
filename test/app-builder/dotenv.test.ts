import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { finished, mtlsProxy, run } from "../support/commandLine";
import { aioPackages } from "./support/aio";
import { App } from "./support/app";
import { type Company, credentialsOf, startCompany } from "./support/backends";
import { infrastructure } from "./support/infrastructure";

const NAMES = /^__AIO_MTLS_/;

/** What stands in a `.env` already, in all the ways in which people write it. */
const OTHERS = [
  "# ours, mostly",
  "PLAIN=value",
  "",
  "  SPACED = value with spaces   # and a comment",
  `SINGLE='it has "double" quotes and \\n'`,
  `DOUBLE="it has 'single' quotes"`,
  "BACKTICK=`both \"kinds\" of 'quotes'`",
  'LINES="first',
  "second=not a variable",
  'third"',
  "export EXPORTED=1",
  "EMPTY=",
  'JSON={"a":"$PLAIN"}',
];

describe("the .env of an application", function () {
  this.timeout(600_000);

  let company: Company;
  let app: App;

  before(async () => {
    [company, app] = await Promise.all([startCompany(), App.create()]);
    await infrastructure(app.parent, company.proxy);
  });
  after(async () => {
    await Promise.all([company, app].map((part) => part?.[Symbol.asyncDispose]()));
  });

  /** By the command's own program: `npm run` ends without ending what it runs. */
  async function refresh(): Promise<string> {
    const { exit, stdout, stderr } = await finished(await app.script("env"));
    assert.equal(exit, 0, stderr);
    return stdout;
  }

  const text = () => readFile(app.path(".env"), "utf8");

  /** As Adobe's command line reads it. */
  async function read(): Promise<Record<string, string>> {
    const program = [join(__dirname, "support/aio-environment.js"), await aioPackages()];
    const { stdout, stderr } = await finished(
      run(process.execPath, program, { cwd: app.directory, env: app.environment }),
    );
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  }

  async function assertGivesCredentials(): Promise<void> {
    const found = Object.entries(await read()).filter(([name]) => NAMES.test(name));
    assert.deepEqual(Object.fromEntries(found), credentialsOf(company.proxy));
  }

  /** The text without the four variables' lines. */
  const withoutOurs = (all: string, lineEnd: string) =>
    all
      .split(lineEnd)
      .filter((line) => !NAMES.test(line))
      .join(lineEnd);

  for (const [name, lineEnd] of Object.entries({ LF: "\n", CRLF: "\r\n" })) {
    it(`gives Adobe's command line the credentials byte for byte, every other byte as it was, with ${name}`, async () => {
      const before = OTHERS.join(lineEnd) + lineEnd;
      await app.write(".env", before);
      const othersBefore = await read();
      await refresh();
      await assertGivesCredentials();
      assert.equal(withoutOurs(await text(), lineEnd), before);
      const others = Object.entries(await read()).filter(([variable]) => !NAMES.test(variable));
      assert.deepEqual(Object.fromEntries(others), othersBefore);
    });
  }

  it("keeps the credentials through `aio app use --merge`, and needs no refresh after it", async () => {
    await app.write(".env", "PLAIN=value\r\n");
    await refresh();
    const file = join(__dirname, "support/workspace.json");
    const used = await app.finish(["app", "use", file, "--merge", "--no-service-sync"]);
    assert.equal(used.exit, 0, used.stdout + used.stderr);
    await assertGivesCredentials();
    const { AIO_RUNTIME_NAMESPACE, PLAIN } = await read();
    assert.deepEqual({ AIO_RUNTIME_NAMESPACE, PLAIN }, { AIO_RUNTIME_NAMESPACE: "my-namespace", PLAIN: "value" });
    assert.match(await refresh(), /was up to date already/);
  });

  it("takes the local proxy's credentials in place of the stack's, and the stack's again", async () => {
    await app.write(".env", "PLAIN=value\n");
    await refresh();
    await using local = mtlsProxy(["local", "--destination", company.erp.url, "--file", ".env"], {
      cwd: app.directory,
      env: app.environment,
    });
    await local.says("serving");
    const { PLAIN, __AIO_MTLS_ENDPOINT = "" } = await read();
    assert.equal(PLAIN, "value");
    assert.ok(local.stdout.includes(`serving   ${__AIO_MTLS_ENDPOINT}\n`));
    await refresh();
    await assertGivesCredentials();
  });
});
