// Rotates keys by their policies as the pool's clock passes their time. There is no timer: every request first settles
// what has become due, so that what it sees is what a pool that never sleeps would show. A version is made with the
// time it was due, and a key that missed several periods (the clock was moved, the mock was stopped) gets all of them,
// one after the other, until it has as many versions as a key may have.
import type { KeyService } from './key-service.ts';
import { rotationDueS } from './rotation-policy.ts';

export class AutomaticRotation {
  readonly #keys: KeyService;
  readonly #nowS: () => number;
  #seenRevision: number | undefined;
  #nextS = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(keys: KeyService, nowS: () => number) {
    this.#keys = keys;
    this.#nowS = nowS;
  }

  /** Whether `settle` has something to do. Costs nothing while no policy changes. */
  get isDue(): boolean {
    const { policyRevision } = this.#keys.ring;
    if (policyRevision !== this.#seenRevision) {
      this.#seenRevision = policyRevision;
      this.#nextS = this.#earliest()?.dueS ?? Number.POSITIVE_INFINITY;
    }
    return this.#nextS <= this.#nowS();
  }

  /** Makes all versions that are due by now. Calls at the same time share one run. */
  async settle(): Promise<void> {
    this.#running ??= this.#rotateDue().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #rotateDue(): Promise<void> {
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.dueS > this.#nowS()) return;
      try {
        await this.#keys.rotate(next.name, next.dueS);
      } catch (error) {
        // The key may have been deleted while its successor was being generated; then it is due no more.
        const after = this.#earliest();
        if (after?.name === next.name && after.dueS === next.dueS) throw error;
      }
    }
  }

  #earliest(): { name: string; dueS: number } | undefined {
    let earliest: { name: string; dueS: number } | undefined;
    for (const key of this.#keys.ring.keysWithPolicy()) {
      const dueS = rotationDueS(key);
      if (dueS !== undefined && dueS < (earliest?.dueS ?? Number.POSITIVE_INFINITY))
        earliest = { name: key.name, dueS };
    }
    return earliest;
  }
}
