import { text } from "node:stream/consumers";
import { createMtlsFetch } from "../../src";

/** Calls the endpoint of the params on stdin, and prints the answer's status or the error's code. */
async function call(): Promise<string> {
  const fetch = createMtlsFetch(JSON.parse(await text(process.stdin)));
  return fetch("/").then(
    ({ status }) => String(status),
    (error) => error.code,
  );
}

call().then((result) => process.stdout.write(result));
