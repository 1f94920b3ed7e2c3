import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlanName } from "./measures";
import { HELP, type Options, optionsOf, UsageError } from "./options";
import { chart } from "./report/chart";
import { type Change, changes, confirmed, isWorse, lostCalls, otherFacts, report } from "./report/check";
import { withMade } from "./report/page";
import { type Results, resultsFrom, textOf } from "./report/results";
import { tables } from "./report/table";
import { measured, type Run } from "./run";

const RESULTS = join(__dirname, "results");
const COMMITTED = join(RESULTS, "results.json");
const PAGE = join(__dirname, "../docs/performance.md");

/** Somebody pressed Ctrl-C, or ended the process; a shell's exit code for that is 130. */
class Interruption extends Error {}

const say = (progress: string) => process.stderr.write(`bench: ${progress}\n`);

async function main(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const earlier = options.check ? await earlierResults(options.against ?? COMMITTED) : undefined;
  const interrupted = interruption();
  const run = await measured(options, interrupted, say);
  process.stdout.write(options.json ? textOf(run.results) : `${tables(run.results)}\n`);
  if (options.write) await write(run.results);
  return earlier ? compared(earlier, run, options, interrupted) : 0;
}

/** Ctrl-C: what is under way is left, and everything that runs is ended in order. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => controller.abort(new Interruption("interrupted; everything that ran is ended")));
  return controller.signal;
}

async function earlierResults(path: string): Promise<Results> {
  try {
    return resultsFrom(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(
      `${path} has no results of an earlier run: ${(error as Error).message}. Make some: npm run --silent bench -- --json > FILE`,
    );
  }
}

/** What looks worse is measured once more: of a hundred ratios some always lie outside the noise, but seldom the same ones twice. */
async function compared(earlier: Results, run: Run, options: Options, interrupted: AbortSignal): Promise<number> {
  const others = otherFacts(earlier, run.results);
  if (others.length > 0) say(`the run of ${earlier.taken} had ${others.join(", ")}: ratios may differ by that alone`);
  const runs = [run];
  let all = changes(earlier, run.results);
  const doubted = all.filter(isWorse);
  if (doubted.length > 0) {
    const only = partsOf(doubted, run);
    say(`${doubted.length} of ${all.length} ratios look worse: measures ${only.join(", ")} once more`);
    const again = await measured({ ...options, only }, interrupted, say);
    all = confirmed(all, changes(earlier, again.results));
    runs.push(again);
  }
  say(`compared with the run of ${earlier.taken}\n${report(all)}`);
  if (!options.against && all.some(({ verdict }) => verdict === "better"))
    say("commit the better ones by a whole run on a quiet machine: npm run bench -- --write");
  const lost = Math.max(...runs.map(({ results }) => lostCalls(results)));
  if (lost > 0) say(`${lost} of a million idempotent calls were lost in reloads`);
  return lost > 0 || all.some(isWorse) ? 1 : 0;
}

const partsOf = (doubted: Change[], { partOf }: Run): PlanName[] => [
  ...new Set(doubted.flatMap(({ measure }) => partOf.get(measure) ?? [])),
];

async function write(measured: Results): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const text = textOf(measured);
  await writeFile(COMMITTED, text);
  const results = resultsFrom(text); // rounded, as whoever makes the page again will find it
  await writeFile(join(RESULTS, "table.md"), `${tables(results)}\n`);
  await writeFile(join(RESULTS, "chart.svg"), chart(results));
  await writeFile(PAGE, withMade(await readFile(PAGE, "utf8"), results));
  say("wrote bench/results and docs/performance.md");
}

async function run(): Promise<number> {
  try {
    return await main(optionsOf(process.argv.slice(2)));
  } catch (error) {
    const isExplained = error instanceof UsageError || error instanceof Interruption;
    process.stderr.write(`bench: ${isExplained ? error.message : (error as Error).stack}\n`);
    return error instanceof UsageError ? 2 : error instanceof Interruption ? 130 : 1;
  }
}

run().then((code) => {
  process.exitCode = code;
});
