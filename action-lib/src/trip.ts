import type { ClientRequest } from "node:http";
import type { Agent } from "node:https";
import type { Socket } from "node:net";

/** An agent's way in, which Node's types leave out: `http.request` calls it, and nothing else, for every request. */
interface Entrance {
  addRequest(request: ClientRequest, ...rest: unknown[]): void;
}

/** One way to the endpoint and back, redirects included: what node-fetch hides and the repeat rule must know. */
export class Trip {
  /** The request under way, or the last one. */
  request: ClientRequest | undefined;
  /** A byte of an answer came. */
  answered = false;
  /** Node's own error, which node-fetch words anew. */
  error: Error | undefined;
  /** For `http.request` and everything built on it. */
  readonly agent: Agent;

  constructor(pool: Agent) {
    const entrance = pool as Agent & Entrance;
    const addRequest: Entrance["addRequest"] = (request, ...rest) => {
      this.follow(request);
      entrance.addRequest(request, ...rest);
    };
    this.agent = Object.create(pool, { addRequest: { value: addRequest } });
  }

  /** The request went out on a connection that had served another before, and that connection was dead. */
  get foundDeadConnection(): boolean {
    return this.request?.reusedSocket === true && this.error !== undefined && !this.answered;
  }

  /** The way there is not open yet, or has to be waited for. */
  get isConnecting(): boolean {
    return this.request?.socket?.connecting ?? true;
  }

  /** Calls back once the connection is free again or gone; at once if it is. */
  whenClosed(callback: () => void): void {
    if (this.request === undefined || this.request.closed) callback();
    else this.request.once("close", callback);
  }

  private follow(request: ClientRequest): void {
    this.request = request;
    const onData = () => {
      this.answered = true;
    };
    request.once("error", (error) => {
      this.error = error;
    });
    request.once("socket", (socket: Socket) => {
      socket.once("data", onData);
      request.once("close", () => socket.off("data", onData));
    });
  }
}
