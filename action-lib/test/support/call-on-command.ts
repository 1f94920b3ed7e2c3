import { createInterface } from "node:readline";
import { createMtlsFetch } from "../../src";

// The first line holds the params; each further one is a method, answered with the call's status or the error's code.
async function serve(): Promise<void> {
  let params: object | undefined;
  for await (const line of createInterface(process.stdin)) {
    if (params === undefined) params = JSON.parse(line) as object;
    else console.log(await call(params, line));
  }
}

const call = (params: object, method: string): Promise<string> =>
  createMtlsFetch(params)("/", { method }).then(
    async (response) => `${response.status} ${await response.text()}`,
    (error) => String(error.code),
  );

serve();
