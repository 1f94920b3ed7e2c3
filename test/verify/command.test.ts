import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSettings } from "@app-builder-mtls/proxy";
import { mergeDotenv } from "../../cli/src/dotenvFile";
import { localCertificates } from "../../cli/src/local/certificates";
import { freePort } from "../../cli/src/local/ports";
import { startLocalProxy } from "../../cli/src/local/proxy";
import { type Backend, startBackend } from "../support/backend";
import { DAY_MS, fromNow, issueClient } from "../support/certificates";
import { finished, mtlsProxy } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { nginxUnderTest } from "../support/nginx";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { until } from "../support/until";
import { faultsIn, filesOf, report, stackOf, syncSays, verify } from "./support/verifying";

describe("mtls-proxy verify", function () {
  this.timeout(60_000);
  let backend: Backend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startBackend({ respond: (_, response) => response.end() });
    proxy = await startProxy({ destinations: [destinationOf(backend)] });
  });
  after(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await backend?.[Symbol.asyncDispose]();
  });

  const envFileText = () =>
    mergeDotenv("", {
      __AIO_MTLS_ENDPOINT: proxy.endpoint,
      __AIO_MTLS_CERT: proxy.client.cert,
      __AIO_MTLS_KEY: proxy.client.key,
      __AIO_MTLS_CA: proxy.ca.cert,
    });

  it("takes an application's .env, and asks a proxy on a desk for its destinations", async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, ".env"), envFileText());
    const found = await report(["--file", ".env"], { cwd: directory.path });
    assert.deepEqual(faultsIn(found), []);
    assert.equal(found.checks.find(({ check }) => check === "destination:backend")?.outcome, "passed");
    assert.equal(found.checks.find(({ check }) => check === "sync")?.outcome, "skipped");
  });

  it("takes a stack, compares its bundle, and passes when its machine has reported", async () => {
    await using stack = await stackOf(proxy);
    await syncSays(proxy, {});
    const found = await report(["--stack", "dev"], stack);
    assert.deepEqual(faultsIn(found), []);
    assert.equal(found.checks.find(({ check }) => check === "bundle-version")?.detail, proxy.local.bundleVersion);
  });

  it("passes with RSA certificates throughout", async () => {
    await using directory = await temporaryDirectory();
    await using rsa = await startProxy({
      destinations: [destinationOf(backend)],
      certificates: { keyAlgorithm: "RSA-2048" },
    });
    assert.deepEqual(faultsIn(await report(await filesOf(rsa, directory.path))), []);
  });

  it("warns of what ends within 30 days, and passes all the same", async () => {
    await using directory = await temporaryDirectory();
    const client = await issueClient(proxy.ca, { notAfter: fromNow(20.5 * DAY_MS) });
    const { exit, stdout } = await verify(await filesOf({ ...proxy, client }, directory.path));
    assert.equal(exit, 0);
    assert.match(stdout, /warn {2}the client certificate is good .* 20 days left/);
    assert.match(stdout, / → Type: pulumi up, then: mtls-proxy env/);
  });

  it("shows no key, in words or in JSON, whether it passes or fails", async () => {
    await using directory = await temporaryDirectory();
    const good = await filesOf(proxy, directory.path);
    const keyLines = proxy.client.key.split("\n").filter((line) => line.length > 20 && !line.startsWith("-----"));
    for (const key of [proxy.client.key, proxy.client.key.slice(0, 120), `${proxy.client.cert}${keyLines[0]}`]) {
      await writeFile(join(directory.path, "client.key"), key);
      for (const more of [[], ["--json"]]) {
        const { stdout, stderr } = await verify([...good, ...more]);
        for (const line of keyLines) assert.ok(!(stdout + stderr).includes(line), "a line of the key was shown");
      }
    }
  });

  it("says what it does on stderr, and nothing but the result on stdout, without colour when piped", async () => {
    await using directory = await temporaryDirectory();
    const { stdout, stderr } = await verify([...(await filesOf(proxy, directory.path)), "--json"]);
    assert.equal(JSON.parse(stdout).ok, true);
    assert.match(stderr, /^mtls-proxy: connecting to https:/);
    assert.match(stderr, /asking backend\n$/);
    assert.ok(!(stdout + stderr).includes("\u001b"), "a colour");
  });

  it("waits for a proxy that is still starting, says so, and then passes", async () => {
    await using directory = await temporaryDirectory();
    const port = await freePort(10_000 + Math.floor(Math.random() * 9_000));
    const destinations = [destinationOf(backend)];
    const settings = parseSettings({ destinations, port, allowLocalDestinations: true });
    const certificates = await localCertificates(join(directory.path, "certificates"), settings);
    const client = certificates.clients["app-builder"] ?? assert.fail("no client");
    const target = { endpoint: `https://127.0.0.1:${port}`, ca: certificates.ca, client };
    await using command = mtlsProxy(["verify", ...(await filesOf(target, directory.path)), "--wait", "60"]);
    await until(() => /waiting, 0 of 60 s: .* does not answer yet \(tcp, ECONNREFUSED\)/.test(command.stderr), 10_000);
    const nginx = await nginxUnderTest();
    await using _ = await startLocalProxy({ nginx, settings, certificates, directory: join(directory.path, "run") });
    assert.equal(await command.ended, 0, command.stdout + command.stderr);
  });

  it("gives up waiting at its limit and says what is wrong", async () => {
    await using directory = await temporaryDirectory();
    const gone = await startProxy({ destinations: [destinationOf(backend)] });
    const args = await filesOf(gone, directory.path);
    await gone[Symbol.asyncDispose]();
    const { exit, stdout, stderr } = await verify([...args, "--wait", "1"]);
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_VERIFY_FAILED: \d+ of \d+ checks failed: /);
    assert.match(stdout, /FAIL {2}the endpoint answers with TLS/);
  });

  const FILES = ["--cert", "c", "--key", "k", "--ca", "a"];
  const WRONG_USES: [what: string, args: string[], message: RegExp][] = [
    ["no source", [], / ERR_MTLS_USAGE: .*in exactly one way \(none is given\)\. Type: mtls-proxy verify --stack dev/],
    ["two sources", ["--stack", "dev", "--file", ".env"], /--stack and --file are given/],
    ["three files of four", ["--endpoint", "https://a.b", "--cert", "c", "--key", "k"], /--ca is missing/],
    [
      "a file that is not there",
      ["--endpoint", "https://a.b", ...FILES],
      / ERR_MTLS_FILE: c cannot be read \(ENOENT\)/,
    ],
    ["an .env that is not there", ["--file", "none.env"], / ERR_MTLS_FILE: none\.env cannot be read \(ENOENT\)/],
    ["a client without a stack", ["--file", ".env", "--client", "a"], /goes with --stack/],
    ["a directory without a stack", ["--file", ".env", "--cwd", "."], /goes with --stack/],
    ["half an old generation", ["--stack", "dev", "--old-cert", "c"], /--old-cert and --old-key go together/],
    [
      "an egress address that is none",
      ["--stack", "dev", "--expect-egress", "here"],
      /takes IP addresses.*here is none/,
    ],
    ["a wait that is no number", ["--stack", "dev", "--wait", "long"], /must be a whole number/],
    ["an unknown option", ["--stakc", "dev"], /Did you mean --stack\?/],
  ];
  for (const [what, args, message] of WRONG_USES) {
    it(`ends with 2 and a sentence for ${what}`, async () => {
      await using directory = await temporaryDirectory();
      const { exit, stdout, stderr } = await verify(args, { cwd: directory.path });
      assert.equal(exit, 2);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /, "a stack trace");
      assert.equal(stdout, "");
    });
  }

  for (const [what, changed, more, message] of [
    ["an endpoint that is no origin", { __AIO_MTLS_ENDPOINT: "http://127.0.0.1" }, [], /not an https origin/],
    ["an .env without an endpoint", { __AIO_MTLS_ENDPOINT: "" }, [], /not an https origin/],
    ["an echo without an address to expect", {}, ["--echo-url", "/ip"], /nothing to compare with.*--expect-egress/],
    ["an echo elsewhere", {}, ["--echo-url", "https://a.b"], /takes a path at the proxy/],
  ] as const) {
    it(`ends with 2 and a sentence for ${what}`, async () => {
      await using directory = await temporaryDirectory();
      await writeFile(join(directory.path, ".env"), mergeDotenv(envFileText(), changed));
      const { exit, stderr } = await verify(["--file", ".env", ...more], { cwd: directory.path });
      assert.equal(exit, 2);
      assert.match(stderr, message);
    });
  }

  it("ends with 2 and a sentence for a client that the stack does not have", async () => {
    await using stack = await stackOf(proxy);
    const { exit, stderr } = await verify(["--stack", "dev", "--client", "nobody"], stack);
    assert.equal(exit, 2);
    assert.match(stderr, / ERR_MTLS_NO_SUCH_CLIENT: The stack has no client nobody; it has app-builder/);
  });

  it("passes on what pulumi says when that is not known", async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, "pulumi"), "#!/bin/sh\necho out of luck >&2\nexit 1\n", { mode: 0o755 });
    const env = { ...process.env, PATH: `${directory.path}:${process.env.PATH}` };
    const { exit, stderr } = await verify(["--stack", "dev"], { env });
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_PULUMI: pulumi stack output failed and said:\nout of luck\n$/);
  });

  it("answers --help", async () => {
    const { exit, stdout } = await finished(mtlsProxy(["verify", "--help"]));
    assert.equal(exit, 0);
    for (const option of ["--stack", "--file", "--endpoint", "--wait", "--echo-url", "--json"])
      assert.ok(stdout.includes(option), option);
  });
});
