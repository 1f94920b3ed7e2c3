import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Files } from "@app-builder-mtls/proxy";
import { until } from "../../support/until";
import type { JournalLine, TestMachine } from "./machine";

const PROGRAMS = join(__dirname, "../../../proxy/machine/files/sync");
/** Runs fleet.py with shorter times than a Network Load Balancer needs. */
const PROGRAM = `import sys
sys.path.insert(0, sys.argv[1])
import fleet
fleet.LOOK_SECONDS, fleet.UNHEARD_SECONDS, fleet.WAITING_SECONDS = map(float, sys.argv[2:])
sys.exit(fleet.main())`;

/** Seconds; see fleet.py. */
export interface MemberTimes {
  look: number;
  unheard: number;
  waiting: number;
}

const memberCommand = ({ look, unheard, waiting }: MemberTimes): string[] => [
  ...["python3", "-c", PROGRAM, PROGRAMS],
  ...[look, unheard, waiting].map(String),
];

/** What infra adds to a fleet's bundle. */
export const GROUP = { autoScalingGroup: "mtls-proxy-dev-1a2b3c", launchHook: "serving", terminateHook: "draining" };
export const FLEET_FILES: Files = { "fleet.json": JSON.stringify(GROUP) };

/** What it needs of the machine around it. */
export type Place = Pick<TestMachine, "startSync" | "run" | "nginx">;

/** The program that speaks with the auto scaling group, and systemd's part in what it does. */
export interface Member extends AsyncDisposable {
  lines: JournalLine[];
  /** Resolves with the exit code when it ends by itself. */
  ended: Promise<number | null>;
  /** Waits until the journal has a line of this outcome. */
  says(outcome: JournalLine["outcome"], limitMs?: number): Promise<JournalLine>;
}

export function startMember(machine: Place, times: MemberTimes): Member {
  const child = machine.startSync({}, memberCommand(times));
  const lines = linesOf(child);
  let over = false;
  const ended = once(child, "exit").then(([code]) => {
    over = true;
    return code as number | null;
  });
  const ending = endNginx(machine, () => over);
  return {
    lines,
    ended,
    says: async (outcome, limitMs = 30_000) => {
      await until(() => lines.some((line) => line.outcome === outcome), limitMs);
      return lines.find((line) => line.outcome === outcome) as JournalLine;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
      await ending;
    },
  };
}

function linesOf({ stdout, stderr }: ChildProcess): JournalLine[] {
  const lines: JournalLine[] = [];
  if (!stdout || !stderr) throw new Error("a member without its output");
  stderr.pipe(process.stderr);
  createInterface(stdout).on("line", (line) => lines.push(JSON.parse(line)));
  return lines;
}

/** What mtls-proxy-end.path and mtls-proxy-end.target do: nginx is ended in order and not started again. */
async function endNginx({ run, nginx }: Place, isOver: () => boolean): Promise<void> {
  await until(() => isOver() || existsSync(join(run, "state/unheard")), 2 ** 31 - 1);
  if (isOver()) return;
  nginx.masked = true;
  if (nginx.pid) process.kill(nginx.pid, "SIGQUIT");
}
