import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { FAULTS } from "../../cli/src/verify/faults";
import { codeBlocks } from "../docs/codeBlocks";
import { finished, mtlsProxy } from "../support/commandLine";
import { steady } from "./support/steady";
import type { Report } from "./support/verifying";

const PAGE = join(__dirname, "../../docs/verify.md");
const page = () => readFile(PAGE, "utf8");
const golden = (file: string) => readFile(join(__dirname, "golden", file), "utf8");

/** The rows of the table below a heading, by what stands in backticks in the first cell. */
function firstCells(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) => [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word));
}

describe("docs/verify.md", () => {
  it("lists every fault and no other", async () => {
    assert.deepEqual(firstCells(await page(), "Faults"), Object.keys(FAULTS));
  });

  it("lists every check and no other, in their order", async () => {
    const { checks }: Report = JSON.parse(await golden("good.json"));
    const asked = checks.map(({ check }) => check.replace(/^destination:.*/, "destination:NAME"));
    assert.deepEqual(firstCells(await page(), "What is asked"), [...new Set(asked)]);
  });

  it("lists every option of the command, and no other", async () => {
    const { stdout } = await finished(mtlsProxy(["verify", "--help"]));
    const options = [...stdout.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, name]) => name);
    const listed = firstCells(await page(), "Options").map((cell) => cell.split(" ")[0]);
    assert.deepEqual(listed.toSorted(), options.toSorted());
  });

  it("shows what is really shown", async () => {
    const [table] = (await codeBlocks(PAGE)).filter(({ language }) => language === "text");
    assert.equal(`${steady(table?.text ?? "")}\n`, await golden("good.txt"));
  });

  it("shows the JSON's real members", async () => {
    const [sample] = (await codeBlocks(PAGE)).filter(({ language }) => language === "json");
    const [shown, real]: Report[] = [JSON.parse(sample?.text ?? ""), JSON.parse(await golden("faults.json"))];
    assert.deepEqual(Object.keys(shown ?? {}), Object.keys(real ?? {}));
    const inBoth = (report?: Report) => report?.checks.find(({ check }) => check === "destination:pim");
    const { measured, ...check } = inBoth(shown) ?? assert.fail("no such check is shown");
    const { measured: reallyMeasured, ...realCheck } = inBoth(real) ?? assert.fail("no such check is real");
    assert.deepEqual(check, realCheck);
    assert.deepEqual(Object.keys(measured ?? {}), Object.keys(reallyMeasured ?? {}));
  });
});
