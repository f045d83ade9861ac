/** What a client saw while something happened. Times are milliseconds of performance.now(). */
export class Tally {
  readonly beganMs: number;
  done = 0;
  /** The longest that one handshake took, well or badly. */
  slowestMs = 0;
  /** When each of those ended that failed. */
  readonly failures: number[] = [];
  /** How often each reason was given. */
  readonly reasons = new Map<string, number>();
  #lastDoneMs: number;
  #longestGapMs = 0;

  constructor(nowMs: number) {
    this.beganMs = nowMs;
    this.#lastDoneMs = nowMs;
  }

  succeeded(beganMs: number, nowMs: number): void {
    this.done++;
    this.slowestMs = Math.max(this.slowestMs, nowMs - beganMs);
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastDoneMs);
    this.#lastDoneMs = nowMs;
  }

  failedWith(reason: string, beganMs: number, nowMs: number): void {
    this.slowestMs = Math.max(this.slowestMs, nowMs - beganMs);
    this.failures.push(nowMs);
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** The longest time without one that was done. */
  stallMs(nowMs: number): number {
    return Math.max(this.#longestGapMs, nowMs - this.#lastDoneMs);
  }
}
