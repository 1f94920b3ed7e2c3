import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TestProxy } from "./proxy";

const PIECE = 64 * 1024;

/** So many bytes, different from piece to piece and alike from call to call, made while they are read. */
export function* pieces(bytes: number): Generator<Buffer> {
  for (let made = 0, index = 0; made < bytes; made += PIECE, index++)
    yield Buffer.alloc(Math.min(PIECE, bytes - made), `piece ${index} `);
}

export async function digestOf(stream: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of stream) hash.update(piece);
  return hash.digest("hex");
}

export interface SendOptions {
  method?: string;
  body?: Iterable<Buffer> | AsyncIterable<Buffer>;
  headers?: Record<string, string>;
  /** Called as soon as the answer's header is there, which may be before the body is sent. */
  onAnswer?: (answer: IncomingMessage) => Promise<void>;
}

/** A request of Node's own client, its body streamed; resolves when the body is sent and the answer has begun. */
export async function send(
  { endpoint, ca, client }: TestProxy,
  path: string,
  { method = "GET", body = [], headers, onAnswer = async () => undefined }: SendOptions = {},
): Promise<IncomingMessage> {
  const sent = request(new URL(path, endpoint), { agent: false, ca: ca.cert, ...client, method, headers });
  const answered = (once(sent, "response") as Promise<[IncomingMessage]>).then(async ([answer]) => {
    await onAnswer(answer);
    return answer;
  });
  const [answer] = await Promise.all([answered, pipeline(Readable.from(body, { objectMode: false }), sent)]);
  return answer;
}
