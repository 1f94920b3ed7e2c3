import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

/** What node-fetch loads for no call, or for few, and what would cost the first call of every new process some milliseconds. */
const lighterNodeFetch = {
  name: "lighter-node-fetch",
  setup({ onResolve, resolve }) {
    // Most answers are not compressed.
    onResolve({ filter: /^node:zlib$/ }, ({ importer }) =>
      importer.includes("node-fetch") ? { path: join(here, "src/zlib.ts") } : undefined,
    );
    // Stand-ins for Node before 18, and blobs of files: nothing that is imported from there is used.
    onResolve({ filter: /^(\.\/streams\.cjs|fetch-blob\/from\.js)$/ }, async ({ path, pluginData, ...from }) =>
      pluginData === "found"
        ? undefined
        : { ...(await resolve(path, { ...from, pluginData: "found" })), sideEffects: false },
    );
  },
};

// Built aside and moved over file by file: who uses the library meanwhile never meets half of it.
const [dist, aside] = [join(here, "dist"), join(here, `.dist-${process.pid}`)];
await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts", "src/node-fetch.ts"],
  outdir: aside,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // Required on the first fetch, from its own file.
  external: ["./node-fetch"],
  plugins: [lighterNodeFetch],
  // Adobe's bundler does not minify actions.
  minify: true,
  sourcemap: "linked",
  logLevel: "warning",
});
const declarations = ["--project", join(here, "tsconfig.build.json"), "--outDir", aside];
execFileSync(process.execPath, [tsc, ...declarations], { stdio: "inherit" });

mkdirSync(dist, { recursive: true });
const made = readdirSync(aside);
for (const file of made) renameSync(join(aside, file), join(dist, file));
for (const file of readdirSync(dist)) {
  if (!made.includes(file)) rmSync(join(dist, file), { recursive: true });
}
rmSync(aside, { recursive: true });
