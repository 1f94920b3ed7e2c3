import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { writePrivateFile } from "../../cli/src/privateFiles";
import { onOtherProcessors, processorTime, start } from "../processes";
import type { Programs } from "../programs";
import type { Ending, Scene } from "../scene";
import type { Side } from "../sides/side";
import type { Contest, Contestant, Figures } from "./rounds";

const CONNECTIONS = [16, 64, 200] as const;
/**
 * Milliseconds for which is counted at least; a side that is slower is counted until each connection had an answer.
 * Short, for more rounds: a machine of two shared processors changes its pace by a factor of two within seconds (our measurement).
 */
const COUNTED_MS = 400;
/** Milliseconds between two looks at how far it is, and until a side that gives no answer is given up. */
const LOOK_MS = 250;
const PATIENCE_MS = 30_000;

/**
 * ab, in C and on another processor, keeps a side busy; requests are counted by whoever answers them, time by the kernel.
 * How busy the side's own processor was is kept as well: where it was not, its throughput is the load tool's.
 */
export async function load({ sides, programs }: Scene, rounds: number, ending: Ending): Promise<Contest> {
  const { ab } = programs;
  if (!ab) throw new Error("the load needs ab");
  const directory = await mkdtemp(join(tmpdir(), "mtls-proxy-bench-load-"));
  ending.add({ stop: () => rm(directory, { recursive: true, force: true }) });
  const contestants = sides.map(
    (side): Contestant => ({
      side: side.name,
      take: async () => {
        const figures: Figures = {};
        // The guide's client keeps no connection, so its proxy has a new one for each request.
        const kept = side.name === "guide" ? [] : ["-k"];
        for (const connections of CONNECTIONS) {
          const { requests, processorMs, ms } = await pressed(ab, side, directory, connections, kept);
          figures[`cpu.${connections}`] = (processorMs / requests) * 1000;
          figures[`throughput.${connections}`] = (requests / ms) * 1000;
          figures[`busy.${connections}`] = processorMs / ms;
        }
        const { requests, processorMs } = await pressed(ab, side, directory, 16, []);
        figures["cpu.connection"] = (processorMs / requests) * 1000;
        return figures;
      },
    }),
  );
  return { rounds, contestants };
}

interface Counted {
  requests: number;
  processorMs: number;
  ms: number;
}

async function pressed(
  ab: NonNullable<Programs["ab"]>,
  side: Side,
  directory: string,
  connections: number,
  flags: string[],
): Promise<Counted> {
  const { url, cert, key } = side.access;
  const pair = join(directory, `${side.name}.pem`);
  await writePrivateFile(pair, cert + key);
  const args = [...flags, "-q", "-c", String(connections), "-t", "60", "-n", "99999999", "-E", pair, `${url}/`];
  const running = start(onOtherProcessors(ab), args, { directory, patience: 0 });
  try {
    // Before each connection had its first answer, what is counted is their handshakes.
    const { after: before } = await whileAnswering(side, connections, 0);
    const { after, questions } = await whileAnswering(side, connections, COUNTED_MS, before);
    return {
      requests: after.requests - before.requests - questions,
      processorMs: after.processorMs - before.processorMs,
      ms: after.ms - before.ms,
    };
  } catch (cause) {
    throw new Error(`ab got no answers of ${side.name} on ${connections} connections`, { cause });
  } finally {
    await running.stop();
  }
}

/** Looks until so many requests were answered and so much time has passed; each look is a request to the backend itself. */
async function whileAnswering(side: Side, requests: number, ms: number, since?: Counted) {
  const before = since ?? (await counted(side));
  for (let questions = 1; ; questions++) {
    await pause(Math.max(LOOK_MS, questions === 1 ? ms : 0));
    const after = await counted(side);
    if (after.requests - before.requests - questions >= requests) return { after, questions };
    if (after.ms - before.ms > PATIENCE_MS) throw new Error(`only ${after.requests - before.requests} answers`);
  }
}

async function counted(side: Side): Promise<Counted> {
  const requests = await side.requests();
  return { requests, processorMs: await processorTime(side.pid), ms: performance.now() };
}
