/** One HTTP/1 message taken from the start of some bytes. */
export interface Message {
  startLine: string;
  /** Names in lower case; of a repeated one the last. */
  headers: Record<string, string>;
  headerLines: string[];
  body: Buffer;
  rest: Buffer;
}

/**
 * @param kind without a length a request has no body, and an answer ends with its connection
 * @returns undefined while the message is incomplete
 */
export function readMessage(bytes: Buffer, kind: "request" | "answer", ended = false): Message | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [startLine = "", ...headerLines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const headers = Object.fromEntries(
    headerLines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const afterHead = bytes.subarray(headEnd + 4);
  const body =
    kind === "answer" && hasNoBody(startLine)
      ? { content: Buffer.alloc(0), rest: afterHead }
      : bodyOf(afterHead, headers, kind === "request" ? "empty" : ended ? "all" : "unknown");
  return body && { startLine, headers, headerLines, body: body.content, rest: body.rest };
}

const hasNoBody = (statusLine: string): boolean => /^\S+ (1..|204|304)( |$)/.test(statusLine);

function bodyOf(
  bytes: Buffer,
  headers: Record<string, string>,
  withoutLength: "empty" | "all" | "unknown",
): { content: Buffer; rest: Buffer } | undefined {
  if (headers["transfer-encoding"] === "chunked") return chunkedBody(bytes);
  const length = Number(
    headers["content-length"] ?? { empty: 0, all: bytes.length, unknown: Number.POSITIVE_INFINITY }[withoutLength],
  );
  if (bytes.length < length) return undefined;
  return { content: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function chunkedBody(bytes: Buffer): { content: Buffer; rest: Buffer } | undefined {
  const chunks: Buffer[] = [];
  for (let position = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", position, lineEnd), 16);
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return undefined;
    if (size === 0) return { content: Buffer.concat(chunks), rest: bytes.subarray(start + 2) };
    chunks.push(bytes.subarray(start, start + size));
    position = start + size + 2;
  }
}
