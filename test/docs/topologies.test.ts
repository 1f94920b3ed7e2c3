import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { stackSettings } from "../../infra/settings";
import { codeBlocks } from "./codeBlocks";

const PAGE = join(__dirname, "../../docs/topologies.md");
const DESTINATION = { url: "https://api.example.com" };

describe("docs/topologies.md", () => {
  it("leads from single to fleet, back and down by settings that are accepted at every step", async () => {
    const values: Record<string, unknown> = { destinations: [DESTINATION] };
    const seen: string[] = [];
    for (const { language, text } of await codeBlocks(PAGE)) {
      if (language !== "sh") continue;
      for (const command of text.trim().split("\n")) {
        const [, path, value] = /^pulumi config set (?:--path )?(\S+) (\S+)$/.exec(command) ?? [];
        if (path && value) set(values, path.split("."), parse(value));
        else if (command === "pulumi up") seen.push(settingsOf(values).topology);
        else assert.equal(command, "pulumi destroy");
      }
    }
    assert.deepEqual(seen, ["single", "fleet", "fleet", "fleet", "single", "single"]);
  });

  it("shows a network that is accepted as it stands", async () => {
    const [network] = (await codeBlocks(PAGE)).filter(({ language }) => language === "yaml");
    assert.equal(settingsOf({ destinations: [DESTINATION], ...parse(network?.text ?? "") }).topology, "fleet");
  });

  it("adds its costs up", async () => {
    const rows = await costs();
    const sum = rows.pop() ?? [];
    for (const [column, total] of sum.entries()) {
      const cents = rows.reduce((all, row) => all + Math.round((row[column] ?? 0) * 100), 0);
      assert.equal(cents / 100, total, `column ${column + 1}`);
    }
  });
});

/** The numbers of the table of costs, a row for each line, a column for each topology. */
async function costs(): Promise<number[][]> {
  const section = (await readFile(PAGE, "utf8")).split("## What does it cost?")[1]?.split("\n## ")[0] ?? "";
  const [, , ...rows] = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.map((row) =>
    row
      .split("|")
      .slice(2, 5)
      .map((cell) => Number(cell.replaceAll("*", "").trim() || 0)),
  );
}

const settingsOf = (values: Record<string, unknown>) => stackSettings({ values, encrypted: new Set() });

function set(values: Record<string, unknown>, [key = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    values[key] = value;
    return;
  }
  const inner = { ...(values[key] as object) };
  values[key] = inner;
  set(inner, rest, value);
}
