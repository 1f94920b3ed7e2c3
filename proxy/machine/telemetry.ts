import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Files } from "../bundle";
import { withoutComments } from "./comments";

const DIRECTORY = join(__dirname, "files/telemetry");

/** Where a machine sends its access log and its numbers. */
export interface Telemetry {
  /** Name of a log group of CloudWatch, which is there. */
  logGroup: string;
  /** CloudWatch's namespace of the numbers. */
  namespace: string;
}

/**
 * What a bundle holds so that its machines send their access log and `MACHINE_METRICS`: where to, and the program that
 * does it, about 5 KB of the bundle. It is not in the user data, because it does not fit in.
 */
export function telemetryFiles({ logGroup, namespace }: Telemetry): Files {
  const programs = readdirSync(DIRECTORY).filter((name) => name.endsWith(".py"));
  return {
    "telemetry.json": `${JSON.stringify({ logGroup, namespace })}\n`,
    ...Object.fromEntries(
      programs.map((name) => [`telemetry/${name}`, withoutComments(name, readFileSync(join(DIRECTORY, name), "utf8"))]),
    ),
  };
}
