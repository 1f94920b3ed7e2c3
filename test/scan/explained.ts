import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const PAGE = join(__dirname, "../../docs/scans.md");

/** Fails for a finding that docs/scans.md does not explain, and for an explanation that nothing needs. */
export async function assertExplained(scanner: "gixy" | "testssl.sh", found: Map<string, string>): Promise<void> {
  const rows = (await readFile(PAGE, "utf8")).matchAll(/^\| ([\w.]+) \| `([^`]+)` \| .{40,} \|$/gm);
  const explained = [...rows].filter(([, of]) => of === scanner).map(([, , finding]) => finding);
  const unexplained = [...found]
    .filter(([finding]) => !explained.includes(finding))
    .map(([finding, text]) => `${finding}: ${text}`);
  assert.deepEqual(unexplained, [], `${scanner} found something new`);
  assert.deepEqual(
    explained.filter((finding) => finding && !found.has(finding)),
    [],
    "explained, and not found any more",
  );
}
