import assert from "node:assert/strict";
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finished, run } from "../../../test/support/commandLine";
import { temporaryDirectory } from "../../../test/support/directory";
import { until } from "../../../test/support/until";
import { type Results, resultsFrom, textOf } from "../../report/results";

const bench = (...args: string[]) => run("npm", ["run", "--silent", "bench", "--", ...args]);

describe("npm run bench -- --quick", function () {
  this.timeout(240_000);

  it("has every side prove itself, and then measures each", async () => {
    await using command = bench("--quick", "--install", "--json", "--only", "warm", "--only", "handshakes");
    const { exit, stdout, stderr } = await finished(command);
    assert.equal(exit, 0, stderr);
    const { series, missing, machine, versions } = resultsFrom(stdout);
    const sides = ["ours", "again", "guide", "haproxy", "caddy", "stunnel", "node", "direct-mtls", "direct-tls"];
    for (const side of sides) assert.match(stderr, new RegExp(`${side} is what it says: TLSv1\\.[23] `));
    for (const measure of ["warm", "handshake.full", "handshake.resumed"]) {
      const found = series.filter((one) => one.measure === measure);
      assert.deepEqual(found.map(({ side }) => side).sort(), [...sides].sort());
      for (const { side, values } of found) assert.ok(values.length > 0 && values.every((value) => value > 0), side);
    }
    assert.deepEqual(missing, []);
    assert.ok(machine.processor && versions.nginx && versions.haproxy && versions.caddy && versions.stunnel);
  });

  it("measures what looks worse once more before it says so", async () => {
    await using directory = await temporaryDirectory();
    const before = join(directory.path, "before.json");
    await writeFile(before, textOf(BETTER));
    await using command = bench(
      "--quick",
      "--install",
      "--only",
      "overhead",
      "--only",
      "warm",
      "--check",
      "--against",
      before,
    );
    const { exit, stderr } = await finished(command);
    assert.equal(exit, 1, stderr);
    assert.match(stderr, /the run of 2026-01-01 had processor none: ratios may differ by that alone/);
    assert.match(stderr, /1 of 1 ratios look worse: measures warm once more/);
    assert.deepEqual(stderr.match(/(warm|overhead), after/g), ["overhead, after", "warm, after", "warm, after"]);
    assert.match(stderr, /^worse: Warm call, p50, ours to haproxy: .* where it was 0\.0100;/m);
  });

  it("refuses to compare with what is no run, before it measures anything", async () => {
    await using command = bench("--quick", "--check", "--against", "package.json");
    const { exit, stderr } = await finished(command);
    assert.equal(exit, 2, stderr);
    assert.match(
      stderr,
      /^bench: package\.json has no results of an earlier run: .*Make some: npm run --silent bench/s,
    );
    assert.doesNotMatch(stderr, /after/);
  });

  it("ends everything that runs on Ctrl-C, and leaves no file", async () => {
    await using directory = await temporaryDirectory();
    const args = ["--import", "tsx", "bench/main.ts", "--quick", "--install", "--only", "warm"];
    await using command = run(process.execPath, args, { env: { ...process.env, TMPDIR: directory.path } });
    await until(() => command.stderr.includes("warm, after"), 100_000);
    assert.ok((await processesIn(directory.path)).length > 5);
    command.signal("SIGINT");
    assert.equal(await command.ended, 130);
    assert.deepEqual(await processesIn(directory.path), []);
    const files = await readdir(directory.path);
    assert.deepEqual(
      files.filter((name) => name.startsWith("mtls-proxy")),
      [],
    );
  });
});

/** A run in which ours took a hundredth of haproxy's time, as no run does. */
const BETTER: Results = {
  taken: "2026-01-01",
  seconds: 1,
  isQuick: true,
  machine: { processor: "none" },
  versions: {},
  missing: [],
  series: [
    { measure: "warm", side: "ours", values: [1, 1, 1] },
    { measure: "warm", side: "haproxy", values: [100, 100, 100] },
  ],
};

/** Processes with a file of the directory open, or run from there; every one of the benchmark's is. */
async function processesIn(directory: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(ids.map(async (id) => ((await placesOf(id)).includes(directory) ? [id] : [])));
  return found.flat();
}

async function placesOf(id: string): Promise<string> {
  const descriptors = await readdir(`/proc/${id}/fd`).catch(() => []);
  const links = ["cwd", ...descriptors.map((descriptor) => `fd/${descriptor}`)];
  const places = links.map((link) => readlink(`/proc/${id}/${link}`).catch(() => ""));
  return [...(await Promise.all(places)), await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")].join("\n");
}
