import { busyBefore, machineFacts, versionsOf } from "./machine";
import { PLANS, type PlanName, planNames } from "./measures";
import { held } from "./measures/rounds";
import { type Options, UsageError } from "./options";
import { findPrograms, type Missing } from "./programs";
import type { Results, Series } from "./report/results";
import { Ending, setUp } from "./scene";

export interface Run {
  results: Results;
  /** The part that took a measure, by the measure's name. */
  partOf: Map<string, PlanName>;
}

/**
 * Starts every side, has each prove itself, measures the parts asked for, and ends everything.
 *
 * @throws UsageError for programs that are missing; whatever `interrupted` was aborted with; Error for a side that is not what it says
 */
export async function measured(
  options: Pick<Options, "install" | "partial" | "quick" | "only">,
  interrupted: AbortSignal,
  say: (progress: string) => void,
): Promise<Run> {
  const begun = performance.now();
  const { programs, missing } = await findPrograms(options.install, say);
  if (missing.length > 0) refuseUnlessPartial(missing, options.partial, say);
  if (busyBefore() > 0.5) say(`this machine is busy (load ${busyBefore().toFixed(2)}): expect noise`);
  const ending = new Ending();
  const found = { machine: await machineFacts(), versions: await versionsOf(programs) };
  try {
    const scene = await setUp(programs, ending, say);
    const series: Series[] = [];
    const partOf = new Map<string, PlanName>();
    for (const name of options.only.length > 0 ? options.only : planNames) {
      const { rounds, contest } = PLANS[name];
      const [whole, quick] = rounds;
      const wanted = options.quick ? Math.max(quick, options.only.length > 0 ? 1 : 0) : whole;
      if (wanted === 0 || (name === "load" && !programs.ab)) continue;
      say(`${name}, after ${Math.round((performance.now() - begun) / 1000)} s`);
      const taken = await held(await contest(scene, wanted, ending), interrupted);
      for (const { measure } of taken) partOf.set(measure, name);
      series.push(...taken);
    }
    const seconds = (performance.now() - begun) / 1000;
    const taken = new Date().toISOString().slice(0, 10);
    const names = missing.map(({ command }) => command);
    return { results: { taken, seconds, isQuick: options.quick, ...found, missing: names, series }, partOf };
  } finally {
    await ending.all();
  }
}

function refuseUnlessPartial(missing: Missing[], isPartial: boolean, say: (progress: string) => void): void {
  const packages = missing.map((one) => one.package).join(" ");
  if (!isPartial)
    throw new UsageError(
      `Needs Debian's packages ${packages}. Type: npm run bench -- --install, which fetches them into the cache, or --partial to go on without.`,
    );
  say(`goes on without ${missing.map(({ command }) => command).join(", ")} (Debian's packages ${packages})`);
}
