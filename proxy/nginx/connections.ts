/** Of each worker, to callers and to destinations together. */
export const WORKER_CONNECTIONS = 8_000;

/**
 * With fewer than there are calls at once, new ones are made all the time, each with a handshake: with 200 and 400 calls on
 * two workers, 256 took 0.6 and 0.3 of the processor time of 64, and no more memory (our measurement).
 */
const MOST_KEPT = 256;

/** How many idle connections a worker keeps to each destination; to all of them together half of what it may have. */
export const keptToEach = (destinations: number): number =>
  Math.min(MOST_KEPT, Math.floor(WORKER_CONNECTIONS / 2 / destinations));
