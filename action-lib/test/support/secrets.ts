import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { inspect } from "node:util";

/** Fails when any of the ways in which a thing ends up in a log shows a piece of the key. */
export function assertHidesKey(thing: unknown, key: string): void {
  for (const text of printed(thing)) {
    for (const secret of piecesOf(key)) {
      assert.ok(!text.includes(secret), "the private key shows in what is printed");
    }
  }
}

function printed(thing: unknown): string[] {
  const inspected = [
    inspect(thing),
    inspect(thing, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    inspect(thing, { depth: Number.POSITIVE_INFINITY, customInspect: false, getters: false, maxStringLength: null }),
    thing instanceof Error ? String(thing) : "",
    json(thing),
  ];
  return thing instanceof Error
    ? [...inspected, thing.message, thing.stack ?? "", json({ ...thing }), ...(thing.cause ? printed(thing.cause) : [])]
    : inspected;
}

/** Sockets hang in circles. */
function json(thing: unknown): string {
  const seen = new Set<unknown>();
  return (
    JSON.stringify(thing, (_name, value: unknown) => {
      if (typeof value === "bigint") return String(value);
      if (typeof value !== "object" || value === null) return value;
      if (seen.has(value)) return "[again]";
      seen.add(value);
      return value;
    }) ?? ""
  );
}

/** The lines of the PEM, the secret number as hexadecimal, base64 and base64url, and the PEM in base64. */
function piecesOf(key: string): string[] {
  const lines = key
    .replaceAll("\\n", "\n")
    .split(/\s/)
    .filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line));
  const { d = "" } = createPrivateKey(key).export({ format: "jwk" });
  const number = Buffer.from(d, "base64url");
  return [
    ...lines,
    d,
    number.toString("hex"),
    number.toString("base64"),
    Buffer.from(key).toString("base64").slice(0, 200),
  ];
}
