import { join } from "node:path";
import { build } from "esbuild";

const ACTIONS = join(__dirname, "actions");

/** By name: as they stand, and as one file each. */
export interface Builds {
  caller: string;
  relay: string;
  run: string;
  actions: Record<ActionName, { unbundled: string; built: string }>;
}

export type ActionName = "ours" | "guide" | "https" | "undici" | "node-fetch";

const FILES: Record<ActionName, string> = {
  ours: "ours.js",
  guide: "guide.mjs",
  https: "https.js",
  undici: "undici.js",
  "node-fetch": "node-fetch.mjs",
};

/** Everything that runs in processes of its own, made before anything is measured. */
export async function buildAll(directory: string): Promise<Builds> {
  await bundle([join(__dirname, "callers/caller.ts"), join(__dirname, "callers/relay.ts")], directory);
  const names = Object.keys(FILES) as ActionName[];
  // One file and not minified, as Adobe's bundler makes it.
  await bundle(
    names.map((name) => join(ACTIONS, FILES[name])),
    join(directory, "actions"),
  );
  return {
    caller: join(directory, "caller.js"),
    relay: join(directory, "relay.js"),
    run: join(ACTIONS, "run.js"),
    actions: Object.fromEntries(
      names.map((name) => [
        name,
        { unbundled: join(ACTIONS, FILES[name]), built: join(directory, `actions/${name}.js`) },
      ]),
    ) as Builds["actions"],
  };
}

const bundle = (entryPoints: string[], outdir: string) =>
  build({
    entryPoints,
    outdir,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "error",
  });
