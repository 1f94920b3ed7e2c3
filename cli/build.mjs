import { readFileSync } from "node:fs";
import { build } from "esbuild";

// Our own rooms are bundled in, because they are not published; what npm has is installed by npm.
const { dependencies } = JSON.parse(readFileSync(`${import.meta.dirname}/package.json`, "utf8"));

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["src/main.ts"],
  outfile: "dist/main.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: Object.keys(dependencies),
  logLevel: "warning",
});
