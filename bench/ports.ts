import { freePort } from "../cli/src/local/ports";

const given = new Set<number>();

/** A free port that was not given before in this run: a side may take its own only later. */
export async function freePortFor(): Promise<number> {
  let port = await freePort(11_000 + Math.floor(Math.random() * 8_000));
  while (given.has(port)) port = await freePort(port + 1);
  given.add(port);
  return port;
}
