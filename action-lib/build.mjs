import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

rmSync(join(here, "dist"), { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts", "src/node-fetch.ts"],
  outdir: "dist",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // Required on the first fetch, from its own file.
  external: ["./node-fetch"],
  // fetch-blob's stand-in for Node before 18, half the size of all.
  alias: { "web-streams-polyfill/dist/ponyfill.es2018.js": "node:stream/web" },
  // Adobe's bundler does not minify actions.
  minify: true,
  sourcemap: "linked",
  logLevel: "warning",
});
execFileSync(process.execPath, [tsc, "--project", join(here, "tsconfig.build.json")], { stdio: "inherit" });
