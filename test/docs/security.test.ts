import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tokens } from "marked";
import { REPOSITORY, textOf, tokensOf } from "./pages";

const PAGE = textOf("docs/security.md");

/** `file.test.ts`, "a title" and "another". */
const PROOF = /`([\w./-]+\.test\.ts)`((?:,? (?:and )?"[^"]+")+)/g;

/** A reason in a sentence, and not a word. */
const REASON = /\w{2,}( [^ ]+){7,}\./;

describe("docs/security.md", () => {
  it("names tests that there are", () => {
    const proofs = [...PAGE.matchAll(PROOF)];
    assert.ok(proofs.length > 50, "the page names its proofs");
    for (const [, file = "", titles = ""] of proofs) {
      const path = join(REPOSITORY, file);
      assert.ok(existsSync(path), file);
      const source = readFileSync(path, "utf8");
      for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g))
        assert.match(source, new RegExp(`${TITLE}${escaped(title)}`), `${file}: ${title}`);
    }
  });

  it("names in every row either a test or, of what is not held, the reason", () => {
    for (const [row, held] of rowsWith("Held")) {
      assert.match(held, /^(yes|no|yours)$/, row);
      assert.match(row, held === "yes" ? new RegExp(PROOF.source) : REASON);
    }
    for (const [row] of rowsWith("Gets")) assert.match(row, new RegExp(PROOF.source));
  });

  it("names no control twice", () => {
    const named = rowsWith("Control").flatMap(([, control]) => control.split(", "));
    assert.ok(named.length > 20);
    assert.deepEqual([...new Set(named)], named);
  });
});

/** How a title begins in the source: as it stands, in a table whose rows are tests, or where tests run side by side. */
const TITLE = '(\\b(it|describe|sending)\\(|\\bwhat:)\\s*["`]';

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The rows of the tables that have a column of this name, each whole and with its cell in that column. */
function rowsWith(column: string): [row: string, cell: string][] {
  const tables = tokensOf(PAGE).flatMap((token) => (token.type === "table" ? (token as Tokens.Table) : []));
  const rows = tables.flatMap(({ header, rows }) => {
    const place = header.findIndex(({ text }) => text === column);
    return place < 0 ? [] : rows.map((cells): [string, string] => [textIn(cells), cells[place]?.text ?? ""]);
  });
  assert.ok(rows.length > 0, `no table has a column ${column}`);
  return rows;
}

const textIn = (cells: Tokens.TableCell[]): string => cells.map(({ text }) => text).join(" | ");
