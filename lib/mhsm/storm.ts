import { isTransient } from './retry.ts';

const STORM_MS = 1000;

/**
 * Remembers for a second that trying again was in vain. In a storm of refusals (429, 5xx) a handshake asks once: a web
 * server's worker that tried again for each would stand still.
 */
export class Storm {
  readonly #nowMs: () => number;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A request came to its end with this status, tries included. */
  ended(status: number): void {
    this.#untilMs = isTransient(status) ? this.#nowMs() + STORM_MS : Number.NEGATIVE_INFINITY;
  }

  /** Whether a request that was answered with this status had better not try again. */
  forbidsRetry(status: number): boolean {
    return isTransient(status) && this.#nowMs() < this.#untilMs;
  }
}
