import type { LogMetric } from "../../infra/monitoring/logMetrics";

/**
 * What CloudWatch Logs makes of lines: its pattern language for JSON, as far as its documentation gives examples
 * (FilterAndPatternSyntax in the user's guide of CloudWatch Logs). Here, because the emulated AWS of the engine's tests
 * stores filters and never looks at a line through them.
 */
export function matches(pattern: string, line: string): boolean {
  const holds = new Parser(pattern).pattern();
  const event = parsed(line);
  return event !== undefined && holds(event);
}

/** One value that a line adds to a metric. */
export interface Counted {
  metric: string;
  dimensions: Record<string, string>;
  value: number;
}

/** What a line adds to a metric: nothing if it does not match, or if there is no number in the field that is asked for. */
export function counted(metric: LogMetric, line: string): Counted | undefined {
  if (!matches(metric.pattern, line)) return undefined;
  const event = parsed(line);
  const value = Number(metric.value === "1" ? 1 : valueAt(event, pathOf(metric.value)));
  if (!Number.isFinite(value)) return undefined;
  const dimensions = Object.entries(metric.dimensions ?? {}).map(([name, field]) => [
    name,
    String(valueAt(event, pathOf(field))),
  ]);
  return { metric: metric.name, dimensions: Object.fromEntries(dimensions), value };
}

/** The fields that a pattern, a value or a dimension of a metric reads. */
export const fieldsOf = (text: string): string[] => [...text.matchAll(/\$\.(\w+)/g)].map(([, field = ""]) => field);

type Path = (string | number)[];
type Condition = (event: unknown) => boolean;
type Value = string | number | boolean | null;

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const pathOf = (selector: string): Path =>
  [...selector.matchAll(/\.([\w-]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));

const nodeAt = (event: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (node, step) =>
      typeof node === "object" && node !== null ? (node as Record<string | number, unknown>)[step] : undefined,
    event,
  );

/** Arrays and objects are no values: a condition on them never holds. */
function valueAt(event: unknown, path: Path): Value | undefined {
  const node = nodeAt(event, path);
  return node === undefined || (typeof node === "object" && node !== null) ? undefined : (node as Value);
}

const TOKEN = /\s*(?:(&&|\|\||[()]|!=|<=|>=|[=<>])|(\$(?:\.[\w-]+|\[\d+\])+)|"((?:[^"\\]|\\.)*)"|([^\s()=<>!&|"]+))/y;

interface Token {
  sign?: string | undefined;
  selector?: string | undefined;
  quoted?: string | undefined;
  plain?: string | undefined;
}

/** `||` binds less than `&&`, and parentheses more. */
class Parser {
  private readonly tokens: Token[];

  constructor(private readonly text: string) {
    const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
    if (inner === undefined) throw new Error(`no pattern for JSON: ${text}`);
    this.tokens = tokensOf(inner.trim());
  }

  pattern(): Condition {
    const condition = this.either();
    if (this.tokens.length > 0) this.refuse();
    return condition;
  }

  private either(): Condition {
    const parts = [this.both()];
    while (this.took("||")) parts.push(this.both());
    return (event) => parts.some((holds) => holds(event));
  }

  private both(): Condition {
    const parts = [this.single()];
    while (this.took("&&")) parts.push(this.single());
    return (event) => parts.every((holds) => holds(event));
  }

  private single(): Condition {
    if (!this.took("(")) return this.comparison();
    const inside = this.either();
    if (!this.took(")")) this.refuse();
    return inside;
  }

  private comparison(): Condition {
    const path = pathOf(this.tokens.shift()?.selector ?? this.refuse());
    const { sign, plain } = this.tokens.shift() ?? this.refuse();
    if (plain === "IS") return this.is(path);
    if (plain === "NOT" && this.tokens.shift()?.plain === "EXISTS") return (event) => nodeAt(event, path) === undefined;
    if (sign === undefined) this.refuse();
    const compare = comparisonWith(sign ?? "", this.tokens.shift() ?? this.refuse());
    return (event) => {
      const value = valueAt(event, path);
      return value !== undefined && compare(value);
    };
  }

  private is(path: Path): Condition {
    const wanted = { NULL: null, TRUE: true, FALSE: false }[this.tokens.shift()?.plain ?? ""];
    if (wanted === undefined) this.refuse();
    return (event) => valueAt(event, path) === wanted;
  }

  private took(sign: string): boolean {
    if (this.tokens[0]?.sign !== sign) return false;
    this.tokens.shift();
    return true;
  }

  private refuse(): never {
    throw new Error(`no pattern that CloudWatch Logs documents: ${this.text}`);
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const [, sign, selector, quoted, plain] = TOKEN.exec(text) ?? [];
    if (TOKEN.lastIndex === 0) throw new Error(`no pattern that CloudWatch Logs documents: ${text}`);
    tokens.push({ sign, selector, quoted, plain });
  }
  return tokens;
}

/** Whole or with a point, and with a power of ten. */
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/;

function comparisonWith(sign: string, { quoted, plain }: Token): (value: Value) => boolean {
  if (quoted === undefined && plain !== undefined && NUMBER.test(plain)) {
    const number = Number(plain);
    return (value) => typeof value === "number" && ORDER[sign]?.(value, number) === true;
  }
  const isLike = likeness(quoted ?? plain ?? "");
  if (sign === "=") return (value) => isLike(String(value));
  if (sign === "!=") return (value) => !isLike(String(value));
  throw new Error(`texts are compared by = and != alone, not by ${sign}`);
}

const ORDER: Record<string, (one: number, other: number) => boolean> = {
  "=": (one, other) => one === other,
  "!=": (one, other) => one !== other,
  "<": (one, other) => one < other,
  ">": (one, other) => one > other,
  "<=": (one, other) => one <= other,
  ">=": (one, other) => one >= other,
};

/** An asterisk stands for any text, at the beginning and at the end; elsewhere it stands for itself. */
function likeness(text: string): (value: string) => boolean {
  const inner = text.replace(/^\*|\*$/g, "");
  if (text === "*") return () => true;
  if (text.startsWith("*") && text.endsWith("*")) return (value) => value.includes(inner);
  if (text.startsWith("*")) return (value) => value.endsWith(inner);
  if (text.endsWith("*")) return (value) => value.startsWith(inner);
  return (value) => value === text;
}
