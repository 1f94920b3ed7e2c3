import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "dotenv-of-aio";
import { finished, mtlsProxy } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { REPOSITORY, Stack } from "./stack";

const exec = promisify(execFile);

describe("mtls-proxy env", function () {
  this.timeout(180_000);
  let stack: Stack;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let outputs: Awaited<ReturnType<Stack["outputs"]>>;

  before(async () => {
    directory = await temporaryDirectory();
    stack = await Stack.create();
    await stack.configure({
      destinations: [{ url: "https://api.example.com" }],
      clients: [{ name: "app-builder" }, { name: "partner-x" }],
    });
    const { succeeded, text } = await stack.up();
    assert.ok(succeeded, text);
    outputs = await stack.outputs();
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const env = (args: string[], environment: NodeJS.ProcessEnv = {}, cwd = REPOSITORY) =>
    finished(mtlsProxy(["env", ...args], { cwd, env: { ...stack.environment, ...environment } }));
  const fileIn = (name: string) => join(directory.path, name);
  const variablesOf = ({ endpoint, clientCert, clientKey, caCert }: (typeof outputs)["clients"][string]) => ({
    __AIO_MTLS_ENDPOINT: endpoint,
    __AIO_MTLS_CERT: clientCert,
    __AIO_MTLS_KEY: clientKey,
    __AIO_MTLS_CA: caCert,
  });

  it("merges the credentials into .env, byte for byte as aio's dotenv reads them, for its owner alone", async () => {
    const file = fileIn(".env");
    await writeFile(file, "# mine\r\nOTHER='1'\r\n", { mode: 0o644 });
    const { exit, stdout, stderr } = await env(["--stack", stack.name, "--file", file]);
    assert.equal(exit, 0, stderr);
    assert.deepEqual(parse(await readFile(file)), { OTHER: "1", ...variablesOf(outputs) });
    assert.ok((await readFile(file, "utf8")).startsWith("# mine\r\nOTHER='1'\r\n"));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.match(stdout, /has the credentials for https:/);
    assert.doesNotMatch(stdout + stderr, /PRIVATE KEY/);
    assert.match((await env(["--stack", stack.name, "--file", file])).stdout, /was up to date already/);
  });

  it("gives another client's credentials when asked", async () => {
    const { stdout } = await env(["--stack", stack.name, "--client", "partner-x", "--stdout"]);
    assert.deepEqual(parse(stdout), variablesOf(outputs.clients["partner-x"] ?? assert.fail("no partner-x")));
  });

  it("prints JSON for machines: what was done without a secret, or the variables", async () => {
    const file = fileIn("json.env");
    const done = await env(["--stack", stack.name, "--file", file, "--json"]);
    assert.deepEqual(JSON.parse(done.stdout), {
      file,
      changed: true,
      variables: ["__AIO_MTLS_ENDPOINT", "__AIO_MTLS_CERT", "__AIO_MTLS_KEY", "__AIO_MTLS_CA"],
      warnings: [],
    });
    const printed = await env(["--stack", stack.name, "--stdout", "--json"]);
    assert.deepEqual(JSON.parse(printed.stdout), variablesOf(outputs));
  });

  it("checks a file: 0 when it is right, 1 with the names of what is not and what to type", async () => {
    const file = fileIn("check.env");
    await env(["--stack", stack.name, "--file", file]);
    assert.equal((await env(["--stack", stack.name, "--file", file, "--check"])).exit, 0);
    await writeFile(file, (await readFile(file, "utf8")).replace(/^__AIO_MTLS_KEY=.*$/m, "__AIO_MTLS_KEY=old"));
    const { exit, stdout, stderr } = await env(["--stack", stack.name, "--file", file, "--check", "--json"]);
    assert.equal(exit, 1);
    assert.deepEqual(JSON.parse(stdout), { file, upToDate: false, outdated: ["__AIO_MTLS_KEY"] });
    assert.match(stderr, / ERR_MTLS_ENV_OUTDATED: /);
    assert.ok(
      stderr.includes(`is out of date: __AIO_MTLS_KEY. Type: mtls-proxy env --stack ${stack.name} --file ${file}`),
      stderr,
    );
    assert.equal(parse(await readFile(file)).__AIO_MTLS_KEY, "old", "nothing was written");
  });

  it("puts them into a GitHub workflow's environment, every line of the key masked", async () => {
    const file = fileIn("github-env");
    const { exit, stdout } = await env(["--stack", stack.name, "--format", "github"], { GITHUB_ENV: file });
    assert.equal(exit, 0);
    const written = await readFile(file, "utf8");
    for (const [name, value] of Object.entries(variablesOf(outputs))) {
      const [, found] = new RegExp(`^${name}<<(end-[-0-9a-f]+)\n([^]*?)\n\\1$`, "m").exec(written)?.slice(1) ?? [];
      assert.equal(found, value);
    }
    const masked = stdout.trimEnd().split("\n");
    const secret = outputs.clientKey.split("\n").filter((line) => line && !line.startsWith("-----"));
    assert.deepEqual(
      masked,
      secret.map((line) => `::add-mask::${line}`),
    );
    const outside = await env(["--stack", stack.name, "--format", "github"], { GITHUB_ENV: undefined });
    assert.equal(outside.exit, 2);
    assert.match(outside.stderr, / ERR_MTLS_NO_GITHUB_ENV: GITHUB_ENV is not set/);
  });

  it("warns when git would take the file, or has it already", async () => {
    const [repository, file] = [fileIn("repository"), fileIn("repository/.env")];
    await exec("git", ["init", "--quiet", repository]);
    assert.match((await env(["--stack", stack.name, "--file", file])).stderr, /warning: git does not ignore .*\.env/);
    await exec("git", ["-C", repository, "add", ".env"]);
    assert.match(
      (await env(["--stack", stack.name, "--file", file])).stderr,
      /is committed to git and now holds a private key/,
    );
    await exec("git", ["-C", repository, "rm", "--quiet", "--cached", ".env"]);
    await writeFile(join(repository, ".gitignore"), ".env\n");
    assert.doesNotMatch((await env(["--stack", stack.name, "--file", file])).stderr, /warning/);
  });

  it("warns when a variable of the shell, even an empty one, would win over the file", async () => {
    const { stderr } = await env(["--stack", stack.name, "--file", fileIn("shell.env")], { __AIO_MTLS_CA: "" });
    assert.match(
      stderr,
      /warning: __AIO_MTLS_CA is set in this shell and wins over the file. Type: unset __AIO_MTLS_CA/,
    );
  });

  it("shows no key on the process list", async () => {
    const command = mtlsProxy(["env", "--stack", stack.name, "--file", fileIn("list.env")], {
      cwd: REPOSITORY,
      env: stack.environment,
    });
    let running = true;
    const ended = command.ended.finally(() => {
      running = false;
    });
    const keyLine = outputs.clientKey.split("\n")[1] ?? "";
    let looks = 0;
    while (running) {
      const { stdout } = await exec("ps", ["-eo", "args"]);
      assert.ok(!stdout.includes(keyLine));
      looks++;
    }
    assert.equal(await ended, 0);
    assert.ok(looks > 3, "the list was read while it ran");
  });

  const FAILURES: [what: string, run: () => ReturnType<typeof env>, exit: number, message: RegExp][] = [
    [
      "a stack that does not exist",
      () => env(["--stack", "nowhere", "--stdout"]),
      1,
      / ERR_MTLS_NO_STACK: There is no stack nowhere here\. Type: pulumi stack ls/,
    ],
    [
      "a wrong passphrase",
      () => env(["--stack", stack.name, "--stdout"], { PULUMI_CONFIG_PASSPHRASE: "wrong" }),
      1,
      / ERR_MTLS_PASSPHRASE: .*its passphrase is missing or wrong\. Set PULUMI_CONFIG_PASSPHRASE/,
    ],
    [
      "no login",
      () => env(["--stack", stack.name, "--stdout"], { PULUMI_BACKEND_URL: undefined, PULUMI_ACCESS_TOKEN: undefined }),
      1,
      / ERR_MTLS_NOT_LOGGED_IN: pulumi is not logged in .* Type: pulumi login/,
    ],
    [
      "no Pulumi.yaml",
      () => env(["--stack", stack.name, "--stdout"], {}, directory.path),
      1,
      / ERR_MTLS_NO_PROJECT: There is no Pulumi\.yaml here/,
    ],
    [
      "no pulumi",
      () => env(["--stack", stack.name, "--stdout"], { PATH: directory.path }),
      1,
      / ERR_MTLS_NO_PULUMI: .*pulumi is not on the PATH/,
    ],
    [
      "a client that is not there",
      () => env(["--stack", stack.name, "--stdout", "--client", "x"]),
      2,
      / ERR_MTLS_NO_SUCH_CLIENT: .*has no client x; it has app-builder, partner-x/,
    ],
    [
      "no place to put them",
      () => env(["--stack", stack.name]),
      2,
      / ERR_MTLS_USAGE: .*exactly one of --file, --stdout and --format github \(none is given\)/,
    ],
    ["two places", () => env(["--stdout", "--file", "x"]), 2, /\(--file and --stdout are given\)/],
    ["a check of nothing", () => env(["--check", "--stdout"]), 2, /--check compares a file/],
    [
      "a directory in the file's place",
      () => env(["--stack", stack.name, "--file", fileIn("none/.env")]),
      1,
      / ERR_MTLS_FILE: .*cannot be written \(ENOENT\)/,
    ],
  ];
  for (const [what, run, code, message] of FAILURES) {
    it(`ends with a sentence for ${what}`, async () => {
      const { exit, stdout, stderr } = await run();
      assert.match(stderr, message);
      assert.equal(exit, code);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /\n\s+at /, "a stack trace");
    });
  }

  it("tells to bring a stack up that exports nothing yet", async () => {
    await using empty = await Stack.create();
    const command = mtlsProxy(["env", "--stack", empty.name, "--stdout"], { cwd: REPOSITORY, env: empty.environment });
    const { exit, stderr } = await finished(command);
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_NO_OUTPUT: .*exports no endpoint, clientCert.* Type: pulumi up --stack/);
  });
});
