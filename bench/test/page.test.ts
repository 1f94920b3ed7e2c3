import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { chart } from "../report/chart";
import { withMade } from "../report/page";
import { resultsFrom, textOf } from "../report/results";
import { number, tables } from "../report/table";
import { resultsWith } from "./fake";

const ROOT = join(__dirname, "../..");
const read = (path: string) => readFile(join(ROOT, path), "utf8");

const SOME = resultsWith(
  ["client", "ours", [1]],
  ["client", "guide", [40]],
  ["cpu.64", "ours", [50]],
  ["cpu.64", "haproxy", [60]],
  ["cpu.64", "again", [51]],
);

describe("the benchmark's table", () => {
  it("shows how many times ours each side is, and the noise of the row", () => {
    assert.match(
      tables(SOME),
      /\| Processor time a request, 64 connections \| 1\.02 .*\| 1\.2 \(1\.2–1\.2\) \| ±2 % \|/,
    );
  });

  it("shows each target with what was found", () => {
    assert.match(tables(SOME), /\| warm call, to the guide's \| ≤ 0\.035 \| 0\.025 \(0\.025–0\.025\) \| met \|/);
  });

  it("has no row and no column for what was not measured", () => {
    assert.doesNotMatch(tables(SOME), /caddy|idle|undici/);
  });

  it("shows as many digits as mean something", () => {
    assert.deepEqual([0.0123, 0.1234, 1.2345, 45.67, 1234.5].map(number), ["0.012", "0.123", "1.23", "45.7", "1,235"]);
  });
});

describe("the benchmark's chart", () => {
  it("draws ours and each other side, longer for more, and stays inside", () => {
    const svg = chart(SOME);
    const bars = [...svg.matchAll(/class="(ours|other)" x="(\d+)" y="\d+" width="([\d.]+)"/g)];
    const widths = bars.map(([, , , width]) => Number(width));
    assert.equal(bars.length, 4);
    assert.ok((widths[1] ?? 0) > (widths[0] ?? 0) && (widths[3] ?? 0) > (widths[2] ?? 0));
    for (const [, , x, width] of bars) assert.ok(Number(x) + Number(width) <= 700);
  });
});

describe("docs/performance.md", () => {
  it("shows what bench/results/results.json says, and so do table and chart", async () => {
    const text = await read("bench/results/results.json");
    const results = resultsFrom(text);
    const page = await read("docs/performance.md");
    assert.equal(text, textOf(results));
    assert.equal(page, withMade(page, results));
    assert.equal(await read("bench/results/table.md"), `${tables(results)}\n`);
    assert.equal(await read("bench/results/chart.svg"), chart(results));
  });

  it("comes from one whole run in which nothing was missing", async () => {
    const { isQuick, missing, series } = resultsFrom(await read("bench/results/results.json"));
    assert.deepEqual([isQuick, missing], [false, []]);
    assert.ok(series.length > 100, `${series.length} series`);
  });
});
