import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cloudConfig } from "@app-builder-mtls/proxy";
import { REGION, SECRET } from "./support/secretsManager";

const FILES = join(__dirname, "../../proxy/machine/files");
/** EC2's limit for user data before base64, in bytes, less what a long secret's name may add. */
const USER_DATA_BYTES = 16_384 - 256;

const found = (suffix: string, below = FILES): string[] =>
  readdirSync(below, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(below, name));

/** Runs a checker; fails with what it says. */
function assertClean(command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(error, undefined);
  assert.deepEqual([status, stdout + stderr], [0, ""]);
}

describe("the files of the machine", () => {
  it("are shell that shellcheck has nothing against", () => {
    assertClean("shellcheck", ...found(".sh"), ...found(".sh", join(__dirname, "support")));
  });

  it("are Python that pyflakes has nothing against", () => {
    assertClean("pyflakes3", ...found(".py"), ...found(".py", join(__dirname, "support")));
  });

  it("are Python that Amazon Linux 2023's 3.9 can read", () => {
    const program = "import ast, sys\nfor path in sys.argv[1:]: ast.parse(open(path).read(), feature_version=(3, 9))";
    assertClean("python3", "-c", program, ...found(".py"));
  });

  it("are executable where they are run", () => {
    for (const path of [...found(".sh"), join(FILES, "sync/sync.py")]) assert.ok(statSync(path).mode & 0o111, path);
  });

  it("are all laid by the user data, each as it is", () => {
    const text = cloudConfig({ secretId: SECRET, region: REGION });
    assert.doesNotMatch(text, /content: !/);
    const dedented = text.replaceAll(/^ {6}/gm, "");
    for (const path of found("").filter((name) => statSync(name).isFile() && !name.includes("__pycache__")))
      assert.ok(dedented.includes(readFileSync(path, "utf8").trimEnd()), `${path} is not in the user data`);
  });

  it("name every problem that docs/machine.md explains, and no other", () => {
    const sources = found(".py", join(FILES, "sync")).map((path) => readFileSync(path, "utf8"));
    const codes = sources.flatMap((text) => [...text.matchAll(/Problem\("(\w+)"(?: if \w+ else "(\w+)")?/g)]);
    const inCode = codes.flatMap(([, one = "", other]) => (other ? [one, other] : [one]));
    const page = readFileSync(join(__dirname, "../../docs/machine.md"), "utf8");
    const rows = page
      .slice(page.indexOf("| problem |"))
      .split("\n")
      .filter((row) => row.startsWith("| `"));
    const inDocs = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, code = ""]) => code),
    );
    assert.deepEqual(inDocs.toSorted(), [...new Set(inCode)].toSorted());
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
