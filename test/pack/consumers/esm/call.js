import { readFileSync } from "node:fs";
import { createMtlsFetch } from "app-builder-mtls";

const params = JSON.parse(readFileSync(process.env.PARAMS_FILE, "utf8"));
const fetch = createMtlsFetch(params);
const response = await fetch("/path/to/resource?param=value");
console.log(JSON.stringify(await response.json()));
