// The queue before the HSM, in virtual time: it is told when a request comes and says when it is done. Pure.
//
// Each partition works on `lanesEach` requests at once. One that a partition does at rate R holds a lane for
// lanesEach / R seconds, so a full partition does R a second, and one request alone takes lanesEach / R. Whoever comes
// first is served first, by the lane that is free first.

export interface Turn {
  /** When a lane takes the request, in the caller's milliseconds. */
  readonly startMs: number;
  readonly finishMs: number;
}

export class Lanes {
  /** When each lane is free, as a binary heap: the first is the earliest. */
  readonly #freeMs: number[];
  readonly #lanesEach: number;

  /** @param partitions how many are up @param lanesEach requests a partition works on at once */
  constructor(partitions: number, lanesEach: number) {
    this.#lanesEach = lanesEach;
    this.#freeMs = Array.from({ length: partitions * lanesEach }, () => Number.NEGATIVE_INFINITY);
  }

  /**
   * Gives the request that arrives now its turn. Requests must come in the order they are to be served in.
   * @param ratePerS operations of this kind that one partition does in a second
   */
  take(nowMs: number, ratePerS: number): Turn {
    const startMs = Math.max(nowMs, this.#freeMs[0] ?? 0);
    const finishMs = startMs + (this.#lanesEach / ratePerS) * 1000;
    this.#replaceFirst(finishMs);
    return { startMs, finishMs };
  }

  /** As many lanes for another number of partitions; work that is under way stays under way. */
  resized(partitions: number): Lanes {
    const resized = new Lanes(partitions, this.#lanesEach);
    const latest = this.#freeMs.toSorted((a, b) => b - a).slice(0, resized.#freeMs.length);
    // In ascending order the array is a heap.
    resized.#freeMs.splice(resized.#freeMs.length - latest.length, latest.length, ...latest.reverse());
    return resized;
  }

  /** How many lanes work at this moment. */
  busy(nowMs: number): number {
    return this.#freeMs.filter((freeMs) => freeMs > nowMs).length;
  }

  #replaceFirst(value: number): void {
    const heap = this.#freeMs;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const least = right < heap.length && at(heap, right) < at(heap, left) ? right : left;
      if (least >= heap.length || at(heap, least) >= value) break;
      heap[index] = at(heap, least);
      index = least;
    }
    heap[index] = value;
  }
}

const at = (heap: readonly number[], index: number): number => heap[index] ?? Number.POSITIVE_INFINITY;
