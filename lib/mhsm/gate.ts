/** Somebody who wants a place. Called at most once, and not after it left. */
export interface Waiter {
  admit(): void;
  refuse(reason: Error): void;
}

/** Lets a number in at a time, the others first come first served, and turns away who would wait behind too many. */
export class Gate {
  #free: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<Waiter>();

  constructor(places: number, maxWaiting: number) {
    this.#free = places;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Admits at once, or later; false when too many wait already. Who was admitted calls `leave` when done. */
  enter(waiter: Waiter): boolean {
    if (this.#free > 0) {
      this.#free--;
      waiter.admit();
      return true;
    }
    if (this.#waiting.size >= this.#maxWaiting) return false;
    this.#waiting.add(waiter);
    return true;
  }

  /** Gives up waiting. */
  cancel(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  /** Gives a place back: to the one who waits longest. */
  leave(): void {
    const next = this.#waiting.values().next().value;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next.admit();
  }

  /** Turns all away who wait. */
  refuseAll(reason: Error): void {
    const refused = [...this.#waiting];
    this.#waiting.clear();
    for (const waiter of refused) waiter.refuse(reason);
  }
}
