import type { ClientRequest } from "node:http";
import type { TLSSocket } from "node:tls";

/** By the system's names. Others are no losses: a name that does not exist, a certificate, a limit of ours, a body's own error. */
const LOSSES = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
]);

/** One way to the endpoint and back, redirects included: what node-fetch hides and the repeat rule must know. */
export class Trip {
  /** The request under way, or the last one. */
  request: ClientRequest | undefined;
  /** Node's own error, which node-fetch words anew. */
  error: Error | undefined;
  private hops = 0;
  private bytesBefore = 0;

  /** The connection broke, or never came about, before a byte of an answer. */
  get lostConnection(): boolean {
    const isAnswered = this.hops > 1 || (this.request?.socket?.bytesRead ?? 0) > this.bytesBefore;
    return LOSSES.has((this.error as NodeJS.ErrnoException | undefined)?.code ?? "") && !isAnswered;
  }

  /** Nobody can have got a byte of it: there was no connection yet on which the server had proven who it is. */
  get isUnsent(): boolean {
    return this.hops === 1 && !(this.request?.socket as TLSSocket | null | undefined)?.authorized;
  }

  /** The way there is not open yet, or has to be waited for. */
  get isConnecting(): boolean {
    return this.request?.socket?.connecting ?? true;
  }

  /** Calls back once the connection is free again or gone; at once if it is. */
  whenClosed(callback: () => void): void {
    if (this.request?.closed ?? true) callback();
    else this.request?.on("close", callback);
  }

  /** Called for every hop, before its request has a connection. */
  follow(request: ClientRequest): void {
    this.request = request;
    this.hops += 1;
    // Not once(): these come once anyway, and it costs a wrapper each.
    request.on("socket", (socket) => {
      this.bytesBefore = socket.bytesRead;
    });
    request.on("error", (error) => {
      this.error = error;
    });
  }
}
