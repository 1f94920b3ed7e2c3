import type { TLSSocket } from "node:tls";
import { type Backend, startRawBackend } from "./backend";
import { type Message, readMessage } from "./messages";

/** A request as it came over the wire, in latin1, so that every byte is one character. */
export interface ByteRequest {
  /** `GET /path HTTP/1.1` */
  line: string;
  target: string;
  headers: Record<string, string>;
  /** Each header line as it came. */
  headerLines: string[];
  body: Buffer;
}

export interface ByteBackend extends Backend {
  seen: ByteRequest[];
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A backend that judges nothing: Node's own parser refuses some of what may pass. It answers each request with 200, or with the given bytes. */
export async function startByteBackend(answer: string | Buffer = OK): Promise<ByteBackend> {
  const seen: ByteRequest[] = [];
  const backend = await startRawBackend((socket) =>
    eachRequest(socket, (request) => {
      seen.push(request);
      socket.write(typeof answer === "string" ? Buffer.from(answer, "latin1") : answer);
    }),
  );
  return { ...backend, seen };
}

/** Calls back for each whole request on a connection. */
export function eachRequest(socket: TLSSocket, onRequest: (request: ByteRequest) => void): void {
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let message = readMessage(received, "request"); message; message = readMessage(received, "request")) {
      received = Buffer.from(message.rest);
      onRequest(requestOf(message));
    }
  });
}

function requestOf({ startLine, headers, headerLines, body }: Message): ByteRequest {
  return { line: startLine, target: startLine.split(" ").slice(1, -1).join(" "), headers, headerLines, body };
}
