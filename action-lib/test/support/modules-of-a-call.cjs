// Params on stdin: makes a call as a new container does, and prints what of Node's it had to load. Plain JavaScript, because a compiler would load more.
const { readFileSync } = require("node:fs");

async function call() {
  const { createMtlsFetch } = require("app-builder-mtls");
  const fetch = createMtlsFetch(JSON.parse(readFileSync(0, "utf8")));
  await (await fetch("/")).json();
  process.stdout.write(JSON.stringify(process.moduleLoadList));
}

call();
