import type { ClientRequest } from "node:http";
import type { Agent } from "node:https";
import { TLSSocket } from "node:tls";

/** By the system's names. Others are no losses: a name that does not exist, a certificate, a limit of ours, a body's own error. */
const LOSSES = new Set([
  ...["ECONNRESET", "EPIPE", "ECONNABORTED"],
  ...["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH"],
]);

/** An agent's way in, which Node's types leave out: `http.request` calls it, and nothing else, for every request. */
interface Entrance {
  addRequest(request: ClientRequest, ...rest: unknown[]): void;
}

/** One way to the endpoint and back, redirects included: what node-fetch hides and the repeat rule must know. */
export class Trip {
  /** The request under way, or the last one. */
  request: ClientRequest | undefined;
  /** Node's own error, which node-fetch words anew. */
  error: Error | undefined;
  /** For `http.request` and everything built on it. */
  readonly agent: Agent;
  private hops = 0;
  private bytesBefore = 0;

  constructor(pool: Agent) {
    const entrance = pool as Agent & Entrance;
    const facade: Agent & Entrance = Object.create(pool);
    facade.addRequest = (request, ...rest) => {
      this.follow(request);
      entrance.addRequest(request, ...rest);
    };
    this.agent = facade;
  }

  /** The connection broke, or never came about, before a byte of an answer. */
  get lostConnection(): boolean {
    return LOSSES.has((this.error as NodeJS.ErrnoException | undefined)?.code ?? "") && !this.isAnswered;
  }

  /** Nobody can have got a byte of it: there was no connection yet on which the server had proven who it is. */
  get isUnsent(): boolean {
    return this.hops === 1 && !(this.request?.socket instanceof TLSSocket && this.request.socket.authorized);
  }

  /** The way there is not open yet, or has to be waited for. */
  get isConnecting(): boolean {
    return this.request?.socket?.connecting ?? true;
  }

  /** Calls back once the connection is free again or gone; at once if it is. */
  whenClosed(callback: () => void): void {
    if (this.request === undefined || this.request.closed) callback();
    else this.request.on("close", callback);
  }

  /** A byte of an answer came, or a whole one that redirected. */
  private get isAnswered(): boolean {
    return this.hops > 1 || (this.request?.socket?.bytesRead ?? 0) > this.bytesBefore;
  }

  private follow(request: ClientRequest): void {
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
