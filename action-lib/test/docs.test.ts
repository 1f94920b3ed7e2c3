import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const DOCS = readFileSync(join(__dirname, "../../docs/library.md"), "utf8");

describe("docs/library.md", () => {
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
