import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { cloudConfig, MACHINE_METRICS, telemetryFiles } from "@app-builder-mtls/proxy";
import { parse } from "yaml";
import { REGION, SECRET } from "./support/secretsManager";

const FILES = join(__dirname, "../../proxy/machine/files");
/** EC2's limit for user data before base64, in bytes, less what a long secret's name may add and room to work in. */
const USER_DATA_BYTES = 16_384 - 1_024;
const PAGE = readFileSync(join(__dirname, "../../docs/machine.md"), "utf8");
const SUPPORT = join(__dirname, "support");
const SAME_PYTHON = join(SUPPORT, "same_python.py");

const found = (suffix: string, below = FILES): string[] =>
  readdirSync(below, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(below, name));

const files = (suffix: string): string[] =>
  found(suffix).filter((name) => statSync(name).isFile() && !name.includes("__pycache__"));

/** A file keeps its name on the machine; a program loses its ending, and a configuration is named after the proxy. */
function isLaidAs(source: string, path: string): boolean {
  const name = source.slice(FILES.length + 1);
  const inPlace = [name, name.replace(/\.sh$/, "")].some((one) => path.endsWith(`/${one}`));
  const kind = basename(name, ".conf");
  return inPlace || (path.endsWith("mtls-proxy.conf") && path.split("/").some((part) => part.startsWith(`${kind}.`)));
}

/** A script as bash prints it after reading it: without comments, in one form. */
function asBashUnderstands(path: string): string {
  const script = `f() {\n${readFileSync(path, "utf8")}\n}\ndeclare -f f`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout;
}

/** Runs a checker; fails with what it says. */
function assertClean(command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(error, undefined);
  assert.deepEqual([status, stdout + stderr], [0, ""]);
}

describe("the files of the machine", () => {
  it("are shell that shellcheck has nothing against", () => {
    assertClean("shellcheck", ...found(".sh"), ...found(".sh", SUPPORT));
  });

  it("are Python that pyflakes has nothing against", () => {
    assertClean("pyflakes3", ...found(".py"), ...found(".py", SUPPORT));
  });

  it("are Python that Amazon Linux 2023's 3.9 can read", () => {
    const program = "import ast, sys\nfor path in sys.argv[1:]: ast.parse(open(path).read(), feature_version=(3, 9))";
    assertClean("python3", "-c", program, ...found(".py"));
  });

  it("are executable where they are run", () => {
    for (const path of [...found(".sh"), ...["sync", "fleet"].map((name) => join(FILES, `sync/${name}.py`))])
      assert.ok(statSync(path).mode & 0o111, path);
  });

  describe("as user data and bundle bring them", () => {
    const { write_files: fromUserData } = parse(cloudConfig({ secretId: SECRET, region: REGION })) as {
      write_files: { path: string; content: string }[];
    };
    const fromBundle = Object.entries(telemetryFiles({ logGroup: "group", namespace: "space" }));
    const laid = [
      ...fromUserData,
      ...fromBundle.map(([path, content]) => ({ path: `/run/mtls-proxy/current/${path}`, content })),
    ];
    let directory: string;
    /** Where each file's laid form can be looked at, by its source. */
    const pairs = (suffix: string): [source: string, laid: string][] =>
      files(suffix).map((source) => [source, join(directory, source.slice(FILES.length))]);

    before(() => {
      directory = mkdtempSync(join(tmpdir(), "mtls-proxy-laid-"));
      for (const [source, copy] of pairs("")) {
        const [one, ...others] = laid.filter(({ path }) => isLaidAs(source, path));
        assert.ok(one && others.length === 0, `${source} is not brought, or more than once`);
        mkdirSync(dirname(copy), { recursive: true });
        writeFileSync(copy, one.content);
      }
    });
    after(() => rmSync(directory, { recursive: true }));

    it("are all there, and nothing else but where the secret is and where to report", () => {
      assert.deepEqual(
        laid.map(({ path }) => path).filter((path) => !files("").some((source) => isLaidAs(source, path))),
        ["/etc/mtls-proxy/machine.env", "/run/mtls-proxy/current/telemetry.json"],
      );
    });

    it("are the same Python but for comments and docstrings, and clean", () => {
      assertClean("python3", SAME_PYTHON, ...pairs(".py").flat());
      assertClean("pyflakes3", ...pairs(".py").map(([, copy]) => copy));
    });

    it("are the same shell but for comments", () => {
      for (const pair of pairs(".sh")) {
        const [source, copy] = pair.map(asBashUnderstands);
        assert.ok(source && source.length > 100);
        assert.equal(copy, source);
      }
      assertClean("shellcheck", ...pairs(".sh").map(([, copy]) => copy));
    });

    it("begin as they did where a program is run", () => {
      const programs = pairs("").filter(([source]) => readFileSync(source, "utf8").startsWith("#!"));
      assert.ok(programs.length > 3);
      for (const pair of programs) {
        const [source, copy] = pair.map((path) => readFileSync(path, "utf8").split("\n")[0]);
        assert.equal(copy, source);
      }
    });

    it("are the same units and configuration but for lines that begin with #", () => {
      for (const [source, copy] of pairs("").filter(([name]) => !/\.(py|sh)$/.test(name))) {
        const lines = readFileSync(source, "utf8").trimEnd().split("\n");
        const kept = lines.filter((line) => !line.startsWith("#"));
        assert.deepEqual(readFileSync(copy, "utf8").trimEnd().split("\n"), kept);
        assert.ok(!lines.some((line) => line.endsWith("\\")), `${source} continues a line: is what follows a comment?`);
      }
    });
  });

  it("name every problem that docs/machine.md explains, and no other", () => {
    const sources = found(".py").map((path) => readFileSync(path, "utf8"));
    const codes = sources.flatMap((text) => [...text.matchAll(/Problem\("(\w+)"(?: if \w+ else "(\w+)")?/g)]);
    const inCode = codes.flatMap(([, one = "", other]) => (other ? [one, other] : [one]));
    const rows = PAGE.slice(PAGE.indexOf("| problem |"))
      .split("\n")
      .filter((row) => row.startsWith("| `"));
    const inDocs = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map(([, code = ""]) => code),
    );
    assert.deepEqual(inDocs.toSorted(), [...new Set(inCode)].toSorted());
  });

  it("measure the numbers that docs/machine.md explains, and no other", () => {
    for (const { name, meaning } of MACHINE_METRICS) assert.ok(PAGE.includes(`| \`${name}\` | ${meaning} |`), name);
    assert.equal([...PAGE.matchAll(/^\| `[A-Z][a-z]\w+` \| /gm)].length, MACHINE_METRICS.length);
  });

  it("fit into EC2's user data, gzipped", () => {
    const bytes = gzipSync(cloudConfig({ secretId: SECRET, region: REGION }), { level: 9 }).length;
    assert.ok(bytes <= USER_DATA_BYTES, `${bytes} bytes`);
  });

  it("hold no setting and no key, and differ between stacks in where the secret is alone", () => {
    const [one = "", other = ""] = ["eu-west-1", "us-east-1"].map((region) =>
      cloudConfig({ secretId: SECRET, region }),
    );
    assert.equal(one.replace("AWS_REGION=eu-west-1", "AWS_REGION=us-east-1"), other);
    assert.doesNotMatch(one, /PRIVATE KEY/);
    assert.throws(() => cloudConfig({ secretId: "x\nEVIL=1", region: REGION }), /MTLS_PROXY_SECRET/);
  });
});
