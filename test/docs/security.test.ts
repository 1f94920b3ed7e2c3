import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const REPOSITORY = join(__dirname, "../..");
const PAGE = readFileSync(join(REPOSITORY, "docs/security.md"), "utf8");

/** `file.test.ts`, "a title" and "another". */
const PROOF = /`([\w./-]+\.test\.ts)`((?:,? (?:and )?"[^"]+")+)/g;

describe("docs/security.md", () => {
  const proofs = [...PAGE.matchAll(PROOF)];

  it("names tests that there are", () => {
    assert.ok(proofs.length > 5, "the page names its proofs");
    for (const [, file = "", titles = ""] of proofs) {
      const path = join(REPOSITORY, file);
      assert.ok(existsSync(path), file);
      const source = readFileSync(path, "utf8");
      for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g))
        assert.match(source, new RegExp(`\\b(it|describe)\\(\\s*["\`]${escaped(title)}`), `${file}: ${title}`);
    }
  });
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
