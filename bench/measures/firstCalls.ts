import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { ActionName } from "../builds";
import { paramsOf } from "../callers/clients";
import { end, onOtherProcessors } from "../processes";
import type { SideName } from "../report/measures";
import type { Scene } from "../scene";
import type { Access } from "../sides/side";
import type { Contest, Contestant } from "./rounds";

/** Which action stands for which side. */
const ACTIONS: [SideName, ActionName][] = [
  ["ours", "ours"],
  ["again", "ours"],
  ["guide", "guide"],
  ["https", "https"],
  ["undici", "undici"],
  ["node-fetch", "node-fetch"],
];

/** A new process each time: loads an action as it stands, or as one file, and calls it twice. */
export function firstCalls({ side, builds }: Scene, rounds: number): Contest {
  const contestants = ACTIONS.flatMap(([name, action]): Contestant[] => {
    const server = side(name === "guide" ? "guide" : "ours");
    if (!server) return [];
    const { unbundled, built } = builds.actions[action];
    const takeOne = async (path: string) => inNewProcess(builds.run, path, server.access);
    return [
      {
        side: name,
        take: async () => {
          const asItStands = await takeOne(unbundled);
          const asOneFile = await takeOne(built);
          return {
            "first.unbundled": asItStands.first,
            "second.unbundled": asItStands.second,
            "first.built": asOneFile.first,
            "second.built": asOneFile.second,
          };
        },
      },
    ];
  });
  return { rounds, contestants };
}

/** @returns milliseconds from the first line of the process's program to the end of the first call, and the second call's */
export async function inNewProcess(
  run: string,
  action: string,
  access: Access,
): Promise<{ first: number; second: number }> {
  const { command, leadingArguments } = onOtherProcessors({
    command: process.execPath,
    leadingArguments: [run, action],
  });
  const child = spawn(command, leadingArguments, { stdio: ["pipe", "pipe", "inherit"], detached: true });
  try {
    child.stdin.on("error", () => undefined).end(JSON.stringify(paramsOf(access)));
    const [said, [exit]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    if (exit !== 0) throw new Error(`${action} ended with ${exit}`);
    const [first = Number.NaN, second = Number.NaN] = JSON.parse(said) as number[];
    return { first, second };
  } finally {
    await end(child);
  }
}
