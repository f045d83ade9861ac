// A limit of so many a second, in the caller's time. Pure.

/** What fits in at once: published figures are averages, so a short burst passes. */
const burstS = 2;

export class TokenBucket {
  readonly #ratePerS: number;
  readonly #capacity: number;
  #tokens: number;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(ratePerS: number) {
    this.#ratePerS = ratePerS;
    this.#capacity = Math.max(1, ratePerS * burstS);
    this.#tokens = this.#capacity;
  }

  /** Takes one. @returns 0, or how many milliseconds to wait until there is one */
  take(nowMs: number): number {
    if (nowMs > this.#lastMs) {
      const gained = this.#lastMs === Number.NEGATIVE_INFINITY ? 0 : ((nowMs - this.#lastMs) / 1000) * this.#ratePerS;
      this.#tokens = Math.min(this.#capacity, this.#tokens + gained);
      this.#lastMs = nowMs;
    }
    if (this.#tokens < 1) return ((1 - this.#tokens) / this.#ratePerS) * 1000;
    this.#tokens -= 1;
    return 0;
  }
}
