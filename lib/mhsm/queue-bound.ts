/**
 * How many may wait for an HSM that is slower than what is asked of it: as many as are served before their deadlines. A
 * longer queue serves nobody more: it makes signatures for handshakes that were given up, while others stand still for a
 * deadline and then fail all the same.
 */

/** Somebody's place in the queue. */
export interface Turn {
  /** So many requests must end before it begins: 0 when it is its turn. */
  readonly ahead: number;
  /** Requests that are served at the same time. */
  readonly places: number;
  /** What one takes; 0: not known yet. */
  readonly serviceMs: number;
  /** Until its deadline. */
  readonly leftMs: number;
}

/** Half of the wait is kept for an HSM that grows slower, and for requests that have to be sent again. */
const MARGIN = 2;
/** Weight of the newest of the times that requests took. */
const NEWEST = 1 / 8;

/** Whether it is worth waiting, and at its turn whether it is worth asking. */
export function isServedInTime({ ahead, places, serviceMs, leftMs }: Turn): boolean {
  const waitMs = (ahead * serviceMs) / places;
  return MARGIN * waitMs + serviceMs <= leftMs;
}

/** What a request takes, after one more. */
export function learnServiceTime(serviceMs: number, tookMs: number): number {
  return serviceMs + (tookMs - serviceMs) * NEWEST;
}
