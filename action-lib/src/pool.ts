import type { ClientRequest } from "node:http";
import { Agent } from "node:https";
import type { Trip } from "./trip";

/** An agent's way in, which Node's types leave out: `http.request` calls it, and nothing else, for every request. */
interface Entrance {
  addRequest(request: ClientRequest, ...rest: unknown[]): void;
}

const AgentWithEntrance = Agent as unknown as new (...options: ConstructorParameters<typeof Agent>) => Agent & Entrance;

/** An agent that lets a trip see its requests, which node-fetch hides. */
export class Pool extends AgentWithEntrance {
  #next: Trip | undefined;

  /**
   * This agent, whose next request will be the trip's. node-fetch asks for its agent and makes its request without anything in between.
   * An agent of its own for each trip would cost every call some microseconds (our measurement).
   */
  for(trip: Trip): this {
    this.#next = trip;
    return this;
  }

  override addRequest(request: ClientRequest, ...rest: unknown[]): void {
    const trip = this.#next;
    this.#next = undefined;
    trip?.follow(request);
    super.addRequest(request, ...rest);
  }
}
