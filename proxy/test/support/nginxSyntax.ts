/** A directive as nginx reads it. */
export interface Directive {
  words: string[];
  /** What stands between its braces. */
  block?: Directive[];
}

/**
 * Reads a configuration file by the rules of nginx's own reader (src/core/ngx_conf_file.c, ngx_conf_read_token).
 * @throws Error where nginx would refuse it
 */
export function readNginxFile(text: string): Directive[] {
  const tokens = tokensOf(text);
  const directives = blockOf(tokens, false);
  return directives;
}

type Token = { word: string } | { mark: ";" | "{" | "}" };

function blockOf(tokens: Generator<Token>, nested: boolean): Directive[] {
  const directives: Directive[] = [];
  let words: string[] = [];
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const token = next.value;
    if ("word" in token) {
      words.push(token.word);
      continue;
    }
    if (token.mark === "}") {
      if (!nested || words.length > 0) throw new Error('unexpected "}"');
      return directives;
    }
    if (words.length === 0) throw new Error(`unexpected "${token.mark}"`);
    directives.push(token.mark === ";" ? { words } : { words, block: blockOf(tokens, true) });
    words = [];
  }
  if (nested || words.length > 0) throw new Error("unexpected end of file");
  return directives;
}

const SPACE = /[ \t\r\n]/;
const ESCAPES: Record<string, string> = { t: "\t", r: "\r", n: "\n", '"': '"', "'": "'", "\\": "\\", " ": " " };

function* tokensOf(text: string): Generator<Token> {
  let position = 0;
  while (position < text.length) {
    const char = text.charAt(position);
    if (SPACE.test(char)) position++;
    else if (char === "#") position = endOfLine(text, position);
    else if (char === ";" || char === "{" || char === "}") {
      position++;
      yield { mark: char };
    } else {
      const quoted = char === '"' || char === "'";
      const end = quoted ? endOfQuoted(text, position) : endOfBare(text, position);
      yield { word: unescaped(quoted ? text.slice(position + 1, end - 1) : text.slice(position, end)) };
      position = end;
    }
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

function endOfQuoted(text: string, from: number): number {
  const quote = text.charAt(from);
  for (let position = from + 1; position < text.length; position++) {
    if (text.charAt(position) === "\\") position++;
    else if (text.charAt(position) === quote) {
      if (!/[\s;{)]/.test(text.charAt(position + 1))) throw new Error(`unexpected "${text.charAt(position + 1)}"`);
      return position + 1;
    }
  }
  throw new Error("a quote without an end");
}

function endOfBare(text: string, from: number): number {
  for (let position = from; position < text.length; position++) {
    const char = text.charAt(position);
    if (char === "\\") position++;
    else if (char === "$" && text.charAt(position + 1) === "{") position++;
    else if (SPACE.test(char) || char === ";" || char === "{") return position;
  }
  return text.length;
}

const unescaped = (word: string): string => word.replace(/\\([trn"'\\ ])/g, (_, char: string) => ESCAPES[char] ?? char);
