import { parseArgs } from "node:util";
import { type PlanName, planNames } from "./measures";

export interface Options {
  quick: boolean;
  json: boolean;
  write: boolean;
  check: boolean;
  against: string | undefined;
  install: boolean;
  partial: boolean;
  help: boolean;
  only: PlanName[];
}

export const HELP = `npm run bench -- [options]

Compares this proxy and its library with Adobe's guide, with other proxies and with no proxy at all, on this machine.
About eight minutes on two processors that have nothing else to do. Progress on stderr, tables on stdout.

  --install     fetch what is missing of Debian's packages into the cache; nothing is installed, no root is needed
  --partial     go on without the sides that are missing
  --quick       under a minute: fewer rounds, and neither load, bodies nor idle connections; for a look, not for figures
  --only NAME   one part alone, and may be repeated: ${planNames.join(", ")}
  --json        everything that was found, as JSON, in place of the tables
  --check       compare with bench/results/results.json; what looks worse beyond the noise is measured once more,
                and exit 1 says that it was worse both times
  --against FILE
                with --check: compare with this run's --json instead, say of your own machine
  --write       write bench/results and the tables of docs/performance.md; of a whole run alone
  --help        this text

Exit: 0 when all went well, 1 when a side is not what it says or --check found worse, 2 for wrong use or missing packages.
`;

/** The command was used wrongly, or the machine lacks something; the message says what to type. */
export class UsageError extends Error {}

/** @throws UsageError */
export function optionsOf(args: string[]): Options {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parsed(() =>
    parseArgs({
      args,
      options: {
        quick: flag,
        json: flag,
        write: flag,
        check: flag,
        against: { type: "string" },
        install: flag,
        partial: flag,
        help: flag,
        only: { type: "string", multiple: true, default: [] },
      },
    }),
  );
  const only = values.only.map(planNamed);
  if (values.write && (values.quick || values.partial || only.length > 0))
    throw new UsageError(
      "What is committed comes from one whole run: --write goes with none of --quick, --only, --partial.",
    );
  if (values.against !== undefined && !values.check)
    throw new UsageError("--against names the run that --check compares with: say both.");
  return { ...values, against: values.against, only };
}

function parsed<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`${(error as Error).message} Type: npm run bench -- --help`);
  }
}

function planNamed(name: string): PlanName {
  const known = planNames.find((candidate) => candidate === name);
  if (!known) throw new UsageError(`There is no part ${name}; there are ${planNames.join(", ")}.`);
  return known;
}
