import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Tokens } from "marked";
import { anchorsOf, PAGES, REPOSITORY, textOf, tokensOf } from "./pages";

/** Directories at the root: a path in backticks that begins with one is a file of ours. */
const ROOMS = readdirSync(REPOSITORY, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
  .map(({ name }) => name);

/** One name after another, with a slash between them: `docs/errors.md`, `proxy/`. */
const PATH = /^[\w.-]+\/(?:[\w.\\-]+\/?)*$/;

describe("the pages", () => {
  it("are all looked at", () => {
    for (const page of ["README.md", "CHANGELOG.md", "docs/settings.md", "examples/app-builder/README.md"])
      assert.ok(PAGES.includes(page), page);
  });

  it("link to files and headings that are there", () => {
    const dead = PAGES.flatMap((page) =>
      hrefsOf(page)
        .filter((href) => !isThere(page, href))
        .map(on(page)),
    );
    assert.deepEqual(dead, []);
  });

  it("name files that are there", () => {
    const named = PAGES.flatMap((page) => pathsOf(page).map((path) => ({ page, path })));
    assert.ok(named.length > 10, "the pages name files");
    const missing = named.filter(({ page, path }) =>
      [".", dirname(page)].every((place) => !existsSync(join(REPOSITORY, place, path))),
    );
    assert.deepEqual(missing, []);
  });

  it("name scripts that are there", () => {
    const missing = PAGES.flatMap((page) => {
      const scripts = scriptsBeside(page);
      const named = [...textOf(page).matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(start|test)\b)/g)];
      return named
        .flatMap(([, script, short = ""]) => script ?? short)
        .filter((script) => !(script in scripts))
        .map(on(page));
    });
    assert.deepEqual(missing, []);
  });
});

describe("the anchors of a page", () => {
  it("are those that GitHub gives to its headings", () => {
    const headings = ["# What is `up`?", "## The CA's key has leaked", "## Twice", "## Twice", "## A_b – c, [d](e)"];
    assert.deepEqual(anchorsOf(headings.join("\n\n")), [
      "what-is-up",
      "the-cas-key-has-leaked",
      "twice",
      "twice-1",
      "a_b--c-d",
    ]);
  });
});

const on = (page: string) => (found: string) => `${page}: ${found}`;

function isThere(page: string, href: string): boolean {
  const [path = "", anchor] = href.split("#");
  const target = path === "" ? page : join(dirname(page), decodeURI(path));
  if (target.startsWith("..") || !existsSync(join(REPOSITORY, target))) return false;
  return anchor === undefined || anchorsOf(textOf(target)).includes(anchor);
}

function hrefsOf(page: string): string[] {
  return tokensOf(textOf(page))
    .flatMap((token) => (token.type === "link" || token.type === "image" ? (token as Tokens.Link).href : []))
    .filter((href) => !/^(https?|mailto):/.test(href));
}

function pathsOf(page: string): string[] {
  return tokensOf(textOf(page))
    .flatMap((token) => (token.type === "codespan" ? (token as Tokens.Codespan).text : []))
    .filter((code) => PATH.test(code) && ROOMS.includes(code.split("/")[0] ?? ""));
}

/** Of the nearest package.json: an example is a project of its own. */
function scriptsBeside(page: string): object {
  const upwards = (directory: string): string =>
    existsSync(join(directory, "package.json")) ? directory : upwards(dirname(directory));
  return JSON.parse(readFileSync(join(upwards(dirname(join(REPOSITORY, page))), "package.json"), "utf8")).scripts ?? {};
}
