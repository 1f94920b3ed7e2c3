import { readFileSync, renameSync } from "node:fs";
import { build } from "esbuild";

// Our own rooms are bundled in, because they are not published; what npm has is installed by npm.
const { dependencies } = JSON.parse(readFileSync(`${import.meta.dirname}/package.json`, "utf8"));

// Built aside and moved over: who runs the command meanwhile never meets half of it.
const aside = `dist/.main-${process.pid}.js`;
await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["src/main.ts"],
  outfile: aside,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: Object.keys(dependencies),
  logLevel: "warning",
});
renameSync(`${import.meta.dirname}/${aside}`, `${import.meta.dirname}/dist/main.js`);
