import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { askAio } from "../../cli/src/ipList/aio";
import { finished, mtlsProxy } from "../support/commandLine";
import { KEPT, LIST, type Surroundings, surroundings } from "./surroundings";

const FEWER = { ...LIST, regions: { ...LIST.regions, emea: ["192.0.2.9/32"] } };

describe("mtls-proxy ip-list", function () {
  this.timeout(60_000);

  it("asks aio, tells what changes, and writes the list beside what is set already", async () => {
    await using scene = await surroundings({ addresses: ["203.0.113.7"] });
    const { exit, stdout, stderr } = await scene.ipList(["--stack", "dev"]);
    assert.equal(exit, 0, stderr);
    assert.deepEqual(stdout.split("\n"), [
      "Adobe's list, version 3 of 2026-04-19T08:00:00Z; regions that come in: amer, emea",
      "  + 198.51.100.1/32    amer",
      "  + 198.51.100.2/32    amer",
      "  + 198.51.100.3/32    amer",
      "  + 192.0.2.1/32       emea",
      "  + 192.0.2.2/32       emea",
      "5 added, 0 removed, 0 the same.",
      "The stack's configuration has the list. Type: pulumi up --stack dev",
      "",
    ]);
    assert.match(stderr, /asking Adobe for its list, which takes some seconds: aio runtime ip-list get --json/);
    assert.deepEqual(await scene.written(), { addresses: ["203.0.113.7"], ipList: KEPT });
  });

  it("warns when everybody came in until now, and then only", async () => {
    await using scene = await surroundings();
    assert.match((await scene.ipList([])).stderr, /until now every address comes in; .* not this machine's/);
    await using listed = await surroundings({ addresses: ["203.0.113.7"] });
    assert.doesNotMatch((await listed.ipList([])).stderr, /every address/);
  });

  it("takes the list from a file or from stdin, where aio is not there", async () => {
    await using scene = await surroundings();
    const env = { ...scene.environment, AIO_EXIT: "1" };
    const file = join(scene.directory, "list.json");
    await writeFile(file, JSON.stringify(LIST));
    assert.equal((await scene.ipList(["--file", file], { env })).exit, 0);
    assert.deepEqual(await scene.written(), { ipList: KEPT });

    await using other = await surroundings();
    assert.equal(
      (await other.ipList(["--file", "-"], { env: { AIO_EXIT: "1" }, stdin: JSON.stringify(LIST) })).exit,
      0,
    );
    assert.deepEqual(await other.written(), { ipList: KEPT });
  });

  it("takes the regions that are named, or else configured", async () => {
    await using scene = await surroundings({ regions: ["emea"] });
    await scene.ipList([]);
    assert.deepEqual(await scene.written(), { regions: ["emea"], ipList: KEPT });
    const { stdout } = await scene.ipList(["--regions", "amer, emea"]);
    assert.match(stdout, /regions that come in: amer, emea/);
    assert.deepEqual(await scene.written(), { regions: ["amer", "emea"], ipList: KEPT });
  });

  it("writes nothing when only order, version or terms differ", async () => {
    await using scene = await surroundings({ ipList: { ...LIST, version: 2 } });
    const { exit, stdout } = await scene.ipList([]);
    assert.equal(exit, 0);
    assert.match(stdout, /\nThe configuration is up to date: 5 addresses and ranges\.\n$/);
    assert.equal(await scene.written(), undefined);
  });

  it("checks: 0 when it is up to date, 1 with what to type when not, and writes nothing", async () => {
    await using current = await surroundings({ ipList: LIST });
    assert.equal((await current.ipList(["--check"])).exit, 0);
    await using old = await surroundings({ ipList: FEWER });
    const { exit, stdout, stderr } = await old.ipList(["--check", "--stack", "dev", "--regions", "emea"]);
    assert.equal(exit, 1);
    assert.match(stdout, / {2}\+ 192\.0\.2\.1\/32 {7}emea\n/);
    assert.match(stderr, / ERR_MTLS_IP_LIST_OUTDATED: .* Type: mtls-proxy ip-list --stack dev --regions emea\n$/);
    assert.equal(await old.written(), undefined);
  });

  it("prints one JSON object that says what changed", async () => {
    await using scene = await surroundings({ ipList: FEWER, regions: ["emea"] });
    const changes = {
      version: 3,
      lastUpdated: LIST.lastUpdated,
      added: LIST.regions.emea.map((cidr) => ({ cidr, regions: ["emea"] })),
      removed: [{ cidr: "192.0.2.9/32", regions: ["emea"] }],
      kept: 0,
      regions: ["emea"],
    };
    const refused = await scene.ipList(["--json"]);
    assert.deepEqual(JSON.parse(refused.stdout), { changed: false, upToDate: false, ...changes });
    assert.equal(refused.exit, 1);
    const { stdout, exit } = await scene.ipList(["--json", "--force"]);
    assert.deepEqual(JSON.parse(stdout), { changed: true, upToDate: false, ...changes });
    assert.equal(exit, 0);
    await scene.configured({ value: JSON.stringify({ ipList: LIST }), secret: false });
    const { changed, upToDate, kept } = JSON.parse((await scene.ipList(["--json"])).stdout);
    assert.deepEqual({ changed, upToDate, kept }, { changed: false, upToDate: true, kept: 5 });
  });

  describe("a list that lost more than half", () => {
    const halved = (left: number) => ({
      ...LIST,
      regions: { ...LIST.regions, amer: LIST.regions.amer.slice(0, left) },
    });
    const inAmer = { ipList: LIST, regions: ["amer"] };

    it("is not written without --force", async () => {
      await using scene = await surroundings(inAmer);
      const env = { AIO_STDOUT: JSON.stringify(halved(1)) };
      const { exit, stderr } = await scene.ipList([], { env });
      assert.equal(exit, 1);
      assert.match(
        stderr,
        / ERR_MTLS_IP_LIST_SHRINKS: .* lacks 2 of the 3 entries .* Nothing was changed\. .* --force/,
      );
      assert.equal(await scene.written(), undefined);
      assert.equal((await scene.ipList(["--force"], { env })).exit, 0);
      assert.deepEqual(await scene.written(), {
        regions: ["amer"],
        ipList: { ...KEPT, regions: { ...KEPT.regions, amer: ["198.51.100.1/32"] } },
      });
    });

    it("is not one that lost less, or one of fewer regions", async () => {
      await using scene = await surroundings(inAmer);
      assert.equal((await scene.ipList([], { env: { AIO_STDOUT: JSON.stringify(halved(2)) } })).exit, 0);
      await using fewer = await surroundings({ ipList: LIST });
      assert.equal((await fewer.ipList(["--regions", "emea"])).exit, 0);
    });
  });

  describe("what is configured already", () => {
    it("may be JSON in a text, or a list that pulumi up would refuse", async () => {
      await using scene = await surroundings();
      await scene.configured({ value: '{"addresses":["203.0.113.7"]}', secret: false });
      assert.equal((await scene.ipList([])).exit, 0);
      assert.deepEqual(await scene.written(), { addresses: ["203.0.113.7"], ipList: KEPT });

      await using broken = await surroundings({ ipList: { regions: {} } });
      assert.equal((await broken.ipList([])).exit, 0);
      assert.deepEqual(await broken.written(), { ipList: KEPT });
    });

    for (const [what, answer, message] of [
      ["no setting at all", { value: "everybody" }, /ingress: must be an object with ipList, regions, addresses/],
      ["a list in its place", { value: "[1]", objectValue: [1] }, /ingress: must be an object with ipList/],
      ["a number", { value: "5" }, /ingress: must be an object with ipList/],
      [
        "a region that the list lacks",
        { value: '{"regions":["aus"]}' },
        /ingress\.regions\[0\]: must be a region of the list/,
      ],
      ["an address that is none", { value: '{"addresses":["x"]}' }, /ingress\.addresses\[0\]: must be an IPv4 address/],
      [
        "an encrypted address",
        { value: '{"addresses":["192.0.2.1"]}', secret: true },
        /ingress: must be plain.* pulumi config rm ingress/,
      ],
    ] as const) {
      it(`is left alone, and named, when it is ${what}`, async () => {
        await using scene = await surroundings();
        await scene.configured({ secret: false, ...answer });
        const { exit, stderr } = await scene.ipList([]);
        assert.equal(exit, 2);
        assert.match(stderr, / ERR_MTLS_SETTINGS: /);
        assert.match(stderr, message);
        assert.equal(await scene.written(), undefined);
      });
    }
  });

  const aioSays = (AIO_STDERR: string, AIO_EXIT = "1", AIO_STDOUT = "") => ({
    env: { AIO_STDERR, AIO_EXIT, AIO_STDOUT },
  });
  const given = (text: string) => ({ args: ["--file", "-"], stdin: text });
  const FAILURES: [
    what: string,
    how: { args?: string[]; env?: NodeJS.ProcessEnv; stdin?: string },
    exit: number,
    message: RegExp,
  ][] = [
    [
      "an aio that has a question in place of the list",
      aioSays("Warning: runtime ip-list get is not a aio command.\nDid you mean runtime api get? [y/n]:", "0"),
      1,
      / ERR_MTLS_AIO_TOO_OLD: .* Type: aio update\./,
    ],
    [
      "an aio that does not know the command",
      aioSays("Error: command runtime:ip-list:get not found"),
      1,
      / ERR_MTLS_AIO_TOO_OLD: /,
    ],
    [
      "terms that nobody accepted",
      aioSays("This service requires terms acceptance before first use.", "0", "? Accept terms v1? (y/N)"),
      1,
      / ERR_MTLS_AIO_TERMS: .* Type: aio runtime ip-list get\./,
    ],
    [
      "no organisation",
      aioSays("IMS org id not found in aio config."),
      1,
      / ERR_MTLS_AIO_LOGIN: .* Type: aio console org select\./,
    ],
    [
      "no login",
      aioSays("Error: Cannot get a token: log in first"),
      1,
      / ERR_MTLS_AIO_LOGIN: aio is not logged in to Adobe\. Type: aio login\./,
    ],
    ["a login that ended", aioSays("Error: ip-list service returned 401: unauthorized"), 1, / ERR_MTLS_AIO_LOGIN: /],
    [
      "anything else that aio says",
      aioSays("Error: ip-list service returned 500: out of luck"),
      1,
      / ERR_MTLS_AIO: aio runtime ip-list get --json failed and said:\nError: ip-list service returned 500: out of luck\n$/,
    ],
    ["an aio that says nothing", aioSays("", "0"), 1, / ERR_MTLS_AIO: .* said:\nnothing\n$/],
    [
      "a list without addresses",
      { env: { AIO_STDOUT: '{"regions":{}}' } },
      1,
      / ERR_MTLS_IP_LIST: What came from aio is not Adobe's list, and nothing was changed\. .*must have a region at least.*\nTo see it, type: aio runtime ip-list get --json\n$/s,
    ],
    [
      "a list that ends early",
      given(JSON.stringify(LIST).slice(0, -9)),
      1,
      / ERR_MTLS_IP_LIST: What came from stdin is not .* It is no JSON\./,
    ],
    ["null in the list's place", given("null"), 1, / ERR_MTLS_IP_LIST: /],
    [
      "an address that is none",
      given('{"regions":{"emea":["192.0.2.300"]}}'),
      1,
      / ERR_MTLS_IP_LIST: .*emea\[0\]: must be an IPv4 address/s,
    ],
    [
      "a file that is not there",
      { args: ["--file", "nowhere.json"] },
      2,
      / ERR_MTLS_FILE: nowhere\.json cannot be read \(ENOENT\)\./,
    ],
    [
      "a region that there is not",
      { args: ["--regions", "emae"] },
      2,
      / ERR_MTLS_NO_SUCH_REGION: --regions: "emae" must be a region of the list, did you mean emea\? It has amer, emea\.\n$/,
    ],
    ["an option that there is not", { args: ["--region", "emea"] }, 2, / ERR_MTLS_USAGE: unknown option '--region'/],
    [
      "a pulumi that is too old",
      { env: { PULUMI_FAILS: "error: unknown flag: --json\n  -s, --stack string" } },
      1,
      / ERR_MTLS_PULUMI: This pulumi is too old to write a list/,
    ],
    [
      "a pulumi that cannot write",
      { env: { PULUMI_FAILS: "out of luck" } },
      1,
      / ERR_MTLS_PULUMI: pulumi config set-all failed and said:\nout of luck\n$/,
    ],
  ];
  for (const [what, { args = [], ...options }, code, message] of FAILURES) {
    it(`ends with a sentence for ${what}`, async () => {
      await using scene = await surroundings();
      const { exit, stderr } = await scene.ipList(args, options);
      assert.match(stderr, message);
      assert.equal(exit, code);
      assert.doesNotMatch(stderr, /\n\s+at /, "a stack trace");
      assert.equal(await scene.written(), undefined);
    });
  }

  it("ends with a sentence when there is no aio", async () => {
    await using scene = await surroundings();
    const { exit, stderr } = await scene.ipList([], { env: { PATH: scene.directory } });
    assert.equal(exit, 1);
    assert.match(
      stderr,
      / ERR_MTLS_NO_AIO: .* Type: npm install -g @adobe\/aio-cli, or give the list with --file\.\n$/,
    );
  });

  it("ends with a sentence for a list that no command line holds", async () => {
    await using scene = await surroundings();
    const region = (first: number) =>
      Array.from({ length: 2_000 }, (_, index) => `10.${first}.${index >> 8}.${index & 255}/32`);
    const regions = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`r${index}`, region(index)]));
    const { exit, stderr } = await scene.ipList(["--file", "-"], { stdin: JSON.stringify({ regions }) });
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_PULUMI: The value is too long for an argument of pulumi config set-all/);
  });

  it("does not wait for ever for an aio that waits for a login", async () => {
    await using scene = await surroundings();
    await waitingAio(scene, () =>
      assert.rejects(askAio(200), {
        code: "ERR_MTLS_AIO_LOGIN",
        message: /did not answer within 0\.2 s.* Type: aio login/,
      }),
    );
  });

  it("answers --help", async () => {
    const { exit, stdout } = await finished(mtlsProxy(["ip-list", "--help"]));
    assert.equal(exit, 0);
    for (const option of ["--stack", "--regions", "--file", "--check", "--force", "--json", "--cwd"])
      assert.ok(stdout.includes(option), option);
  });
});

/** Lets this process meet the stand-in for `aio`, which waits. */
async function waitingAio({ environment }: Surroundings, act: () => Promise<void>): Promise<void> {
  const { PATH } = process.env;
  Object.assign(process.env, { PATH: environment.PATH, AIO_WAITS: "1" });
  try {
    await act();
  } finally {
    process.env.PATH = PATH;
    delete process.env.AIO_WAITS;
  }
}
