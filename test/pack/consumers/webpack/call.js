import { readFileSync } from "node:fs";
import { createMtlsFetch } from "app-builder-mtls";

async function main(params) {
  const fetch = createMtlsFetch(params);
  const response = await fetch("/path/to/resource?param=value");
  return response.json();
}

main(JSON.parse(readFileSync(process.env.PARAMS_FILE, "utf8"))).then((body) => console.log(JSON.stringify(body)));
