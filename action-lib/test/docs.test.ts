import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { PROXY_ERROR_STATUSES } from "../../proxy/nginx/errors";
import { ERROR_CODES } from "../src/errors";
import { PROXY_REASONS } from "../src/proxy-error";

const DOCS = readFileSync(join(__dirname, "../../docs/library.md"), "utf8");

describe("docs/library.md", () => {
  it("lists every error code, and no other", () => {
    assert.deepEqual(firstCells("Code").sort(), [...ERROR_CODES].sort());
  });

  it("lists every reason of a ProxyError with its status, and no other", () => {
    assert.deepEqual(firstCells("Reason").sort(), Object.keys(PROXY_REASONS).sort());
    for (const [reason, status] of Object.entries(PROXY_ERROR_STATUSES)) {
      assert.ok(DOCS.includes(`\n| \`${reason}\` | ${status} |`), `${reason} has the status ${status}`);
    }
  });

  it("shows the recipes as they are tested", () => {
    const recipes = join(__dirname, "recipes");
    for (const file of readdirSync(recipes)) {
      const code = readFileSync(join(recipes, file), "utf8").replace(
        "params: { __AIO_MTLS_ENDPOINT: string }",
        "params",
      );
      assert.ok(DOCS.includes(`\n${code}\`\`\``), `docs/library.md shows recipes/${file}`);
    }
  });
});

describe("the tests of the library", () => {
  it("reach every error code", () => {
    const tests = readdirSync(__dirname).filter((file) => file.endsWith(".test.ts"));
    const text = tests.map((file) => readFileSync(join(__dirname, file), "utf8")).join();
    assert.deepEqual(
      ERROR_CODES.filter((code) => !text.includes(`"${code}"`)),
      [],
    );
  });
});

describe("the library in a bundle", () => {
  it("adds less than 15 KB of its own", async () => {
    const { outputFiles } = await build({
      stdin: { contents: 'export { createMtlsFetch } from "./src"', resolveDir: join(__dirname, "..") },
      bundle: true,
      platform: "node",
      minify: true,
      write: false,
      external: ["./node-fetch"],
    });
    const bytes = outputFiles[0]?.contents.length ?? Number.POSITIVE_INFINITY;
    assert.ok(bytes < 15_000, `${bytes} bytes`);
  });
});

/** The codes in the first column of the table that has this heading. */
function firstCells(heading: string): string[] {
  const [, table = ""] = DOCS.split(`\n| ${heading} |`);
  const rows = table.split("\n\n")[0]?.split("\n").slice(2) ?? [];
  return rows.flatMap((row) => /^\| `(\w+)`/.exec(row)?.[1] ?? []);
}
