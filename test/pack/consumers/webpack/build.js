const webpack = require("webpack");

// As Adobe's build of an action does it: for Node, not minified, one file.
const config = {
  context: __dirname,
  mode: "production",
  target: "node",
  entry: "./call.js",
  output: { path: `${__dirname}/out`, filename: "call.js", libraryTarget: "commonjs2" },
  optimization: { minimize: false },
};

webpack(config, (error, stats) => {
  const problems = error ? [error] : [...stats.toJson().errors, ...stats.toJson().warnings];
  for (const { message } of problems) console.error(message);
  process.exitCode = problems.length > 0 ? 1 : 0;
});
