import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { busyBefore, machineFacts, versionsOf } from "./machine";
import { PLANS, type PlanName, planNames } from "./measures";
import { held } from "./measures/rounds";
import { HELP, type Options, optionsOf, UsageError } from "./options";
import { findPrograms, type Missing } from "./programs";
import { chart } from "./report/chart";
import { changes, lostCalls, report } from "./report/check";
import { withMade } from "./report/page";
import { type Results, type Series, textOf } from "./report/results";
import { tables } from "./report/table";
import { Ending, setUp } from "./scene";

const RESULTS = join(__dirname, "results");
const PAGE = join(__dirname, "../docs/performance.md");

/** Somebody pressed Ctrl-C, or ended the process; a shell's exit code for that is 130. */
class Interruption extends Error {}

const say = (progress: string) => process.stderr.write(`bench: ${progress}\n`);

async function main(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const committed = options.check ? await committedResults() : undefined;
  const results = await measured(options);
  process.stdout.write(options.json ? textOf(results) : `${tables(results)}\n`);
  if (options.write) await write(results);
  return committed ? compared(committed, results) : 0;
}

async function measured(options: Options): Promise<Results> {
  const begun = performance.now();
  const { programs, missing } = await findPrograms(options.install, say);
  if (missing.length > 0) refuseUnlessPartial(missing, options);
  if (busyBefore() > 0.5) say(`this machine is busy (load ${busyBefore().toFixed(2)}): expect noise`);
  const ending = new Ending();
  const interrupted = interruption();
  const found = { machine: await machineFacts(), versions: await versionsOf(programs) };
  try {
    const scene = await setUp(programs, ending, say);
    const series: Series[] = [];
    for (const name of partsOf(options)) {
      const { rounds, contest } = PLANS[name];
      const [whole, quick] = rounds;
      const wanted = options.quick ? Math.max(quick, options.only.length > 0 ? 1 : 0) : whole;
      if (wanted === 0 || (name === "load" && !programs.ab)) continue;
      say(`${name}, after ${Math.round((performance.now() - begun) / 1000)} s`);
      series.push(...(await held(await contest(scene, wanted, ending), interrupted)));
    }
    const seconds = (performance.now() - begun) / 1000;
    const taken = new Date().toISOString().slice(0, 10);
    const names = missing.map(({ command }) => command);
    return { taken, seconds, isQuick: options.quick, ...found, missing: names, series };
  } finally {
    await ending.all();
  }
}

const partsOf = ({ only }: Options): PlanName[] => (only.length > 0 ? only : planNames);

function refuseUnlessPartial(missing: Missing[], { partial }: Options): void {
  const packages = missing.map((one) => one.package).join(" ");
  if (!partial)
    throw new UsageError(
      `Needs Debian's packages ${packages}. Type: npm run bench -- --install, which fetches them into the cache, or --partial to go on without.`,
    );
  say(`goes on without ${missing.map(({ command }) => command).join(", ")} (Debian's packages ${packages})`);
}

/** Ctrl-C: what is under way is left, and everything that runs is ended in order. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => controller.abort(new Interruption("interrupted; everything that ran is ended")));
  return controller.signal;
}

async function committedResults(): Promise<Results> {
  return JSON.parse(await readFile(join(RESULTS, "results.json"), "utf8")) as Results;
}

function compared(committed: Results, results: Results): number {
  const all = changes(committed, results);
  say(`compared with the run of ${committed.taken}\n${report(all)}`);
  const lost = lostCalls(results);
  if (lost > 0) say(`${lost} of a million idempotent calls were lost in reloads`);
  return lost > 0 || all.some(({ verdict }) => verdict === "worse") ? 1 : 0;
}

async function write(measured: Results): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const text = textOf(measured);
  await writeFile(join(RESULTS, "results.json"), text);
  const results = JSON.parse(text) as Results; // rounded, as whoever makes the page again will find it
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
