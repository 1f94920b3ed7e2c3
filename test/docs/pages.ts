import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lexer, type Token, type Tokens, walkTokens } from "marked";

export const REPOSITORY = join(__dirname, "../..");

/** Rooms with pages of their own. */
const ROOMS = [".", "docs", "action-lib", "cli", "proxy", "infra", "examples/app-builder", "examples/node"];

/** Paths of all that a user reads, from the repository's root. */
export const PAGES: string[] = ROOMS.flatMap((room) =>
  existsSync(join(REPOSITORY, room))
    ? readdirSync(join(REPOSITORY, room))
        .filter((name) => name.endsWith(".md"))
        .map((name) => join(room, name))
    : [],
);

export const textOf = (page: string): string => readFileSync(join(REPOSITORY, page), "utf8");

/** What a page is made of, whatever it stands in: tables, lists, links. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  walkTokens(lexer(text), (token) => {
    tokens.push(token);
  });
  return tokens;
}

/** The anchors that GitHub gives to a page's headings: a heading that stands twice gets a number the second time. */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return tokensOf(text)
    .flatMap((token) => (token.type === "heading" ? anchorOf(plain((token as Tokens.Heading).tokens)) : []))
    .map((anchor) => {
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times === 0 ? anchor : `${anchor}-${times}`;
    });
}

/** Lower case; of punctuation only `-` and `_` stay; each space is a hyphen. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");

/** The words without marks. */
const plain = (tokens: Token[]): string =>
  tokens
    .map((token) => ("tokens" in token && token.tokens ? plain(token.tokens) : "text" in token ? token.text : ""))
    .join("");
