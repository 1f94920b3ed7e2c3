const PROXY = "__AIO_MTLS_ENDPOINT";

/** aio has read `.env` into the environment by now. It adds the entry, the output and the target itself. */
module.exports = (environment) => ({
  module: { rules: [{ test: /\.ts$/, exclude: /node_modules/, use: "ts-loader" }] },
  resolve: { extensions: [".ts", ".js"] },
  plugins: [pinned(environment)],
});

/** Puts the proxy's address into the code that reads it, so that no caller of an action can give another. */
function pinned({ [PROXY]: endpoint }) {
  if (!endpoint) throw new Error(`.env has no ${PROXY}, which is built into the actions. Type: npm run env`);
  const values = { [`process.env.${PROXY}`]: JSON.stringify(endpoint) };
  // aio's own webpack, which may be another than the one installed here
  return { apply: (compiler) => new compiler.webpack.DefinePlugin(values).apply(compiler) };
}
