import { open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

/** A request as the proxy's log tells it; the fields that a person reads. */
interface LoggedRequest {
  time: string;
  client: string;
  destination: string;
  method: string;
  path: string;
  status: number;
  error: string;
  seconds: number;
}

const POLL_MS = 200;

/** Every line that is added to the log from now on, until the signal is given. */
export async function* follow(path: string, signal: AbortSignal): AsyncGenerator<string> {
  const file = await open(path, "r");
  try {
    let position = (await file.stat()).size;
    let rest = "";
    while (!signal.aborted) {
      const { bytesRead, buffer } = await file.read({ position, buffer: Buffer.alloc(64 * 1024) });
      position += bytesRead;
      const lines = (rest + buffer.toString("utf8", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
      if (bytesRead === 0) await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}

/** One line for a person, from one line of JSON. */
export function readable(line: string): string {
  try {
    const { time, client, destination, method, path, status, error, seconds } = JSON.parse(line) as LoggedRequest;
    const clock = time.slice(11, 19);
    return `${clock}  ${status}  ${method} ${path}  ${client || "no client"} → ${destination || "proxy"}  ${Math.round(seconds * 1000)} ms${error && `  ${error}`}`;
  } catch {
    return line;
  }
}
