/** What differs from run to run. */
const VOLATILE: [pattern: RegExp, text: string][] = [
  [/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT"],
  [/\b\d+ ms\b/g, "N ms"],
  [/\bin \d+\.\d s\b/g, "in N s"],
  [/\b(looked|within) \d+ s\b/g, "$1 N s"],
  [/\b[0-9a-f]{16}\b/g, "VERSION"],
];

/** The same for every run. */
export const steady = (text: string): string =>
  VOLATILE.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text);
