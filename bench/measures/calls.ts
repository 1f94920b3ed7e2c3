import type { ClientName } from "../callers/jobs";
import type { Caller } from "../callers/process";
import type { SideName } from "../report/measures";
import type { Scene } from "../scene";
import { BODIES } from "../sides/backend";
import type { Access, Side } from "../sides/side";
import type { Contest, Contestant } from "./rounds";

/** Milliseconds that a side has in a round. */
const TURN_MS = 150;

const ask = async (caller: Caller, job: Parameters<Caller["ask"]>[0]): Promise<number> => {
  const [number = Number.NaN] = await caller.ask(job);
  return number;
};

/** Each proxy behind the same client, `https.request` with an agent that keeps its connections. */
export function warmCalls({ sides, caller }: Scene, rounds: number): Contest {
  const one = caller();
  const take = (access: Access) => ask(one, { kind: "warm", client: "https", access, forMs: TURN_MS });
  return {
    rounds,
    contestants: sides.map(({ name, access }) => ({ side: name, take: async () => ({ warm: await take(access) }) })),
  };
}

export function handshakes({ sides, caller }: Scene, rounds: number): Contest {
  const one = caller();
  const contestants = sides.map(({ name, access }) => ({
    side: name,
    take: async () => ({
      "handshake.full": await ask(one, { kind: "handshakes", access, resumed: false, forMs: TURN_MS }),
      "handshake.resumed": await ask(one, { kind: "handshakes", access, resumed: true, forMs: TURN_MS }),
    }),
  }));
  return { rounds, contestants };
}

export function bodies({ sides, caller }: Scene, rounds: number): Contest {
  const one = caller();
  const [small, large] = BODIES;
  const take = (access: Access, mebibytes: number, forMs: number) =>
    ask(one, { kind: "warm", client: "https", access, path: `/bodies/${mebibytes}`, forMs, least: 1 });
  const contestants = sides.map(({ name, access }) => ({
    side: name,
    take: async () => ({
      "body.1": await take(access, small, TURN_MS),
      "body.100": await take(access, large, 0),
    }),
  }));
  return { rounds, contestants };
}

/** A new process's first 3,000 calls or so take up to twice as long, until V8 has compiled them (our measurement). */
const warmUpOf = (rounds: number): number => Math.floor(rounds / 2);

/** The guide's client in front of the guide's proxy; all others in front of ours, each in a process of its own. */
export function clients({ side, caller }: Scene, rounds: number): Contest {
  const contestant = (name: SideName, client: ClientName, server: Side | undefined): Contestant[] => {
    if (!server) return [];
    const [one, { access }] = [caller(), server];
    return [
      { side: name, take: async () => ({ client: await ask(one, { kind: "warm", client, access, forMs: TURN_MS }) }) },
    ];
  };
  const ours = side("ours");
  return {
    rounds,
    warmUp: warmUpOf(rounds),
    contestants: [
      ...contestant("ours", "library", ours),
      ...contestant("again", "library", ours),
      ...contestant("guide", "guide", side("guide")),
      ...contestant("https", "https", ours),
      ...contestant("undici", "undici", ours),
      ...contestant("node-fetch", "node-fetch", ours),
    ],
  };
}

/** Pairs of calls in a round; fewer would show the machine. */
const PAIRS = 500;

export function overhead({ side, caller }: Scene, rounds: number): Contest {
  const ours = side("ours");
  if (!ours) throw new Error("ours is not there");
  const one = caller();
  const take = async () => ({ overhead: await ask(one, { kind: "overhead", access: ours.access, pairs: PAIRS }) });
  return { rounds, warmUp: warmUpOf(rounds), contestants: [{ side: "ours", take }] };
}
