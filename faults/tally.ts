/** A handshake that was begun. */
export interface Begun {
  readonly beganMs: number;
}

/** What a client saw while something happened. Times are milliseconds of performance.now(). */
export class Tally {
  readonly beganMs: number;
  done = 0;
  /** Handshakes that were begun: what the server was offered. */
  offered = 0;
  /** When each of those ended that failed. */
  readonly failures: number[] = [];
  /** How often each reason was given. */
  readonly reasons = new Map<string, number>();
  readonly #pending = new Set<Begun>();
  #slowestMs = 0;
  #fullMs = 0;
  #lastDoneMs: number;
  #longestGapMs = 0;

  constructor(nowMs: number) {
    this.beganMs = nowMs;
    this.#lastDoneMs = nowMs;
  }

  began(nowMs: number): Begun {
    const handshake = { beganMs: nowMs };
    this.offered++;
    this.#pending.add(handshake);
    return handshake;
  }

  succeeded(handshake: Begun, nowMs: number): void {
    this.#ended(handshake, nowMs);
    this.done++;
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastDoneMs);
    this.#lastDoneMs = nowMs;
  }

  failedWith(reason: string, handshake: Begun, nowMs: number): void {
    this.#ended(handshake, nowMs);
    this.failures.push(nowMs);
    const words = wordsOf(reason);
    this.reasons.set(words, (this.reasons.get(words) ?? 0) + 1);
  }

  #ended(handshake: Begun, nowMs: number): void {
    this.#pending.delete(handshake);
    this.#slowestMs = Math.max(this.#slowestMs, nowMs - handshake.beganMs);
  }

  /** So many clients waited for so long that no other could be begun. */
  wasFull(forMs: number): void {
    this.#fullMs += forMs;
  }

  /** Handshakes begun a second, while there was room for more. */
  offeredPerSecond(nowMs: number): number {
    return (this.offered / Math.max(1, nowMs - this.beganMs - this.#fullMs)) * 1000;
  }

  /** The longest that one handshake took, well or badly, or has waited until now. */
  slowestMs(nowMs: number): number {
    return Math.max(this.#slowestMs, ...[...this.#pending].map(({ beganMs }) => nowMs - beganMs));
  }

  /** The longest time without one that was done. */
  stallMs(nowMs: number): number {
    return Math.max(this.#longestGapMs, nowMs - this.#lastDoneMs);
  }
}

/** OpenSSL's errors carry the address of a thread and of a source line: `…:error:0A000438:SSL routines:…:SSL alert number 80`. */
function wordsOf(reason: string): string {
  const [, , , library, , words] = reason.trim().split(':');
  return library === 'SSL routines' && words !== undefined ? words : reason.trim();
}
