// node run.js ACTION, params on stdin: loads an action and calls it twice, as Runtime does in a new container.
const { readFileSync } = require("node:fs");

async function run(path) {
  const params = JSON.parse(readFileSync(0, "utf8"));
  const begun = performance.now();
  const { main } = path.endsWith(".mjs") ? await import(path) : require(path);
  const first = await main(params);
  const answered = performance.now();
  const second = await main(params);
  const ended = performance.now();
  for (const { statusCode, body } of [first, second])
    if (statusCode !== 200 || !JSON.stringify(body).includes("4711")) throw new Error(JSON.stringify(body));
  console.log(JSON.stringify([answered - begun, ended - answered]));
  process.exit(0);
}

run(process.argv[2]);
