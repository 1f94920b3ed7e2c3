import type { Access } from "../sides/side";

export type ClientName = "library" | "guide" | "https" | "undici" | "node-fetch";

/** What a caller's process can be asked for; durations in milliseconds. */
export type Job =
  /** Calls one after the other on kept connections. Answers the median in ms. */
  | { kind: "warm"; client: ClientName; access: Access; forMs: number; path?: string; least?: number }
  /** New connections one after the other, each with one request. Answers the median in ms. */
  | { kind: "handshakes"; access: Access; resumed: boolean; forMs: number }
  /** Library and node-fetch in turn. Answers the difference of their medians in µs. */
  | { kind: "overhead"; access: Access; pairs: number }
  /** Idempotent calls through the library, all at once, until told to stop. Answers [calls, lost]. */
  | { kind: "press"; access: Access; callers: number; forMs: number }
  /** Opens connections, each with one request, and keeps them until the process ends. Answers how many. */
  | { kind: "hold"; access: Access; connections: number };
