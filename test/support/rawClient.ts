import { once } from "node:events";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { Issued } from "../../cli/src/certificates";
import { readMessage } from "./messages";

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** A port of 127.0.0.1, and the CA of who answers there. */
interface Place {
  port: number;
  ca: { cert: string };
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** One TLS connection to the proxy, over which any bytes can be sent. */
export class RawConnection implements AsyncDisposable {
  private received: Buffer = Buffer.alloc(0);
  private ended = false;
  /** When the proxy ended the connection, as Date.now() says; infinite while it has not. */
  closedAt = Number.POSITIVE_INFINITY;
  private session: Buffer | undefined;
  private wake: () => void = () => undefined;

  private constructor(readonly socket: TLSSocket) {
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    socket.on("session", (session) => {
      this.session = session;
    });
    const end = () => {
      this.ended = true;
      this.closedAt = Math.min(this.closedAt, Date.now());
      this.wake();
    };
    socket.on("end", end).on("close", end).on("error", end);
  }

  /** @throws what the handshake throws */
  static async open({ port, ca }: Place, client?: Issued, options: ConnectionOptions = {}): Promise<RawConnection> {
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: ca.cert, ...client, ...options });
    const connection = new RawConnection(socket);
    await once(socket, "secureConnect");
    return connection;
  }

  get isClosed(): boolean {
    return this.ended;
  }

  /** What has come and was not taken as an answer, in latin1. */
  get unread(): string {
    return this.received.toString("latin1");
  }

  /** What a later connection can resume; TLS 1.3 sends it after the first answer. */
  get resumable(): Buffer | undefined {
    return this.session ?? this.socket.getSession();
  }

  send(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** The next whole answer, or undefined when the connection ends without one. */
  async answer(limitMs = 10_000): Promise<RawAnswer | undefined> {
    const timeout = AbortSignal.timeout(limitMs);
    for (;;) {
      const parsed = parseAnswer(this.received, this.ended);
      if (parsed) {
        this.received = parsed.rest;
        return parsed.answer;
      }
      if (this.ended) return undefined;
      await this.change(timeout);
    }
  }

  /** Resolves when the proxy has ended the connection. */
  async closed(limitMs = 10_000): Promise<void> {
    const timeout = AbortSignal.timeout(limitMs);
    while (!this.ended) await this.change(timeout);
  }

  /** The next moment in which something arrived or the connection ended. */
  private change(timeout: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error("no answer in time"));
      if (timeout.aborted) late();
      timeout.addEventListener("abort", late, { once: true });
      this.wake = () => {
        timeout.removeEventListener("abort", late);
        resolve();
      };
    });
  }

  async ask(bytes: string, limitMs?: number): Promise<RawAnswer | undefined> {
    this.send(bytes);
    return this.answer(limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }
}

/** The simplest request for a path. */
export const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");

function parseAnswer(bytes: Buffer, ended: boolean): { answer: RawAnswer; rest: Buffer } | undefined {
  const message = readMessage(bytes, "answer", ended);
  if (!message) return undefined;
  const { startLine, headers, body, rest } = message;
  return { answer: { status: Number(startLine.split(" ")[1]), headers, body }, rest };
}
