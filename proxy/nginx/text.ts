/** Lines of a file; nested lists are flattened and `undefined` is left out, so that a line can depend on a setting. */
export type Lines = (string | undefined | Lines)[];

export function textOf(lines: Lines): string {
  return `${flatten(lines).join("\n")}\n`;
}

export function block(head: string, ...body: Lines): string[] {
  return [`${head} {`, ...flatten(body).map((line) => (line === "" ? "" : `    ${line}`)), "}"];
}

function flatten(lines: Lines): string[] {
  return lines.flatMap((line) => (Array.isArray(line) ? flatten(line) : line === undefined ? [] : [line]));
}

/** A literal inside one of nginx's regular expressions (PCRE). */
export const regexOf = (literal: string): string =>
  literal.replace(/[\\^$.*+?()[\]{}|/-]/g, (char) => (char === "/" || char === "-" ? char : `\\${char}`));
