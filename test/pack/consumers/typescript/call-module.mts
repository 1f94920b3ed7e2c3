import { readFileSync } from "node:fs";
import { createMtlsFetch, type MtlsRequestInit } from "app-builder-mtls";

const init: MtlsRequestInit = { method: "GET", repeatable: true, signal: AbortSignal.timeout(10_000) };
const fetch = createMtlsFetch(JSON.parse(readFileSync(process.env.PARAMS_FILE ?? "", "utf8")));
const response = await fetch("/path/to/resource?param=value", init);
console.log(JSON.stringify(await response.json()));
