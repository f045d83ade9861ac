import { NoAnswer } from './no-answer.ts';
import { isServedInTime, learnServiceTime } from './queue-bound.ts';

/** Somebody who wants a place. Called at most once, and not after it left. */
export interface Waiter {
  /** Milliseconds until nobody waits for it any more. */
  leftMs(): number;
  admit(): void;
  refuse(reason: Error): void;
}

/**
 * Lets a number in at a time, the others first come first served. Turns away who would wait behind too many, or longer than
 * he can, and passes over whose turn comes too late.
 */
export class Gate {
  readonly #places: number;
  #free: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<Waiter>();
  #serviceMs = 0;

  constructor(places: number, maxWaiting: number) {
    this.#places = places;
    this.#free = places;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Admits at once, or later; false when it is not worth waiting. Who was admitted calls `leave` when done. */
  enter(waiter: Waiter): boolean {
    if (this.#free > 0) {
      this.#free--;
      waiter.admit();
      return true;
    }
    const { size } = this.#waiting;
    if (size >= this.#maxWaiting || !this.#isServedInTime(waiter, size + 1)) return false;
    this.#waiting.add(waiter);
    return true;
  }

  /** Gives up waiting. */
  cancel(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  /** Gives a place back: to the one who waits longest. `tookMs`: how long it was used; undefined when nothing is learnt. */
  leave(tookMs: number | undefined): void {
    if (tookMs !== undefined) this.#serviceMs = learnServiceTime(this.#serviceMs, tookMs);
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      if (this.#isServedInTime(next, 0)) return next.admit();
      next.refuse(new NoAnswer('queue', false));
    }
    this.#free++;
  }

  /** Turns all away who wait. */
  refuseAll(reason: Error): void {
    const refused = [...this.#waiting];
    this.#waiting.clear();
    for (const waiter of refused) waiter.refuse(reason);
  }

  #isServedInTime(waiter: Waiter, ahead: number): boolean {
    return isServedInTime({ ahead, places: this.#places, serviceMs: this.#serviceMs, leftMs: waiter.leftMs() });
  }
}
