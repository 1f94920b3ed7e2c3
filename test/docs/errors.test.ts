import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { BundleTooLargeError, PROXY_ERROR_STATUSES, SettingsError } from "@app-builder-mtls/proxy";
import { ERROR_CODES } from "../../action-lib/src/errors";
import { COMMAND_ERROR_CODES } from "../../cli/src/errors";

const REPOSITORY = join(__dirname, "../..");
const ROW = /^\| `(\w+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$/gm;

const CODES: string[] = [
  ...ERROR_CODES,
  ...Object.keys(PROXY_ERROR_STATUSES),
  ...COMMAND_ERROR_CODES,
  new SettingsError([]).code,
  new BundleTooLargeError(0, 0).code,
];

describe("docs/errors.md", () => {
  const places = new Map(
    [...readFileSync(join(REPOSITORY, "docs/errors.md"), "utf8").matchAll(ROW)].map(
      ([, code = "", place = ""]) => [code, place] as const,
    ),
  );

  it("lists every code of library, proxy and command line, and no other", () => {
    assert.deepEqual([...places.keys()].sort(), [...CODES].sort());
  });

  it("says where each comes from, and with which status", () => {
    for (const code of ERROR_CODES) assert.match(places.get(code) ?? "", /^library, \w+Error$/);
    for (const code of COMMAND_ERROR_CODES) assert.equal(places.get(code), "command line");
    for (const [code, status] of Object.entries(PROXY_ERROR_STATUSES))
      assert.equal(places.get(code), `proxy, ${status}`);
  });
});

describe("the tests", () => {
  it("reach every error code", () => {
    const text = ["action-lib", "cli", "infra", "proxy", "."]
      .map((room) => testsIn(join(REPOSITORY, room, "test")))
      .join();
    assert.deepEqual(
      CODES.filter((code) => !new RegExp(`\\b${code}\\b`).test(text)),
      [],
    );
  });
});

function testsIn(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts") && basename(path) !== basename(__filename))
    .map((path) => readFileSync(join(directory, path), "utf8"))
    .join();
}
