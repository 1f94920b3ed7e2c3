// Calls the backend behind the proxy:
//   node --env-file=PATH/TO/.env call.js /path/to/resource
const { createMtlsFetch } = require("app-builder-mtls");

async function main(path = "/") {
  const fetch = createMtlsFetch(process.env);
  const response = await fetch(path);
  console.log(response.status, await response.text());
}

main(process.argv[2]).catch((error) => {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exitCode = 1;
});
