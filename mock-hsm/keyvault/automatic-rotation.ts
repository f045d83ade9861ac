// Rotates keys by their policies as the pool's clock passes their time. There is no timer: a request to the pool first
// settles what has become due, so that what it sees is what a pool that never sleeps would show. A version is made with
// the time it was due, and a key that missed several periods (the clock was moved, the mock was stopped) gets them one
// after the other, until it has as many versions as a key may have.
//
// A moved clock can make more due than a request can wait for. So the work has a bound, counted in what versions cost
// to make and not measured, which keeps it the same on every machine: of the periods that a key missed, the newest that
// fit the bound get versions; and what all keys together need beyond it is left to the requests that follow.
import type { Key, KeyType } from './key-model.ts';
import { newestOf } from './key-model.ts';
import type { KeyService } from './key-service.ts';
import { missedRotations, rotationDueS } from './rotation-policy.ts';

/** How long a request may wait for rotation, roughly. */
const boundMs = 2000;

/** What it takes to make and keep a version, roughly; RSA by the size of its modulus. */
const rsaMs: Readonly<Record<number, number>> = { 2048: 100, 3072: 500, 4096: 1500 };
const otherMs: Readonly<Record<KeyType, number>> = { 'RSA-HSM': 1500, 'EC-HSM': 2, 'oct-HSM': 2 };

interface Due {
  readonly name: string;
  /** Unix seconds. */
  readonly atS: number;
  readonly costMs: number;
}

export class AutomaticRotation {
  readonly #keys: KeyService;
  readonly #nowS: () => number;
  /** By record: another one takes its place when anything of the key changes. */
  readonly #dueS = new WeakMap<Key, number>();
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
      this.#nextS = this.#earliestS();
    }
    return this.#nextS <= this.#nowS();
  }

  /** Makes versions that are due by now, up to the bound. Calls at the same time share one run. Never rejects. */
  async settle(): Promise<void> {
    this.#running ??= this.#rotateDue().finally(() => {
      this.#running = undefined;
      this.#seenRevision = undefined;
    });
    return this.#running;
  }

  async #rotateDue(): Promise<void> {
    const left = new Set<string>();
    let spentMs = 0;
    for (const { name, atS, costMs } of this.#allDue()) {
      if (left.has(name)) continue;
      spentMs += costMs;
      if (spentMs > boundMs) return;
      if (!(await this.#rotate(name, atS))) left.add(name);
    }
  }

  /** Oldest first, over all keys. */
  #allDue(): Due[] {
    const nowS = this.#nowS();
    const due = [...this.#keys.ring.keysWithPolicy()]
      .filter((key) => this.#dueOf(key) <= nowS)
      .flatMap((key) => newestMissed(key, nowS));
    return due.sort((a, b) => a.atS - b.atS);
  }

  /** @returns false when the key is to be left alone: it went or changed meanwhile, or cannot be rotated */
  async #rotate(name: string, atS: number): Promise<boolean> {
    const key = this.#keys.ring.find(name);
    if (key === undefined) return false;
    try {
      await this.#keys.rotate(name, atS);
      return true;
    } catch (error) {
      if (this.#keys.ring.find(name) !== key) return false;
      // The fault of one key must not reach requests for others, nor come back with each of them.
      this.#dueS.set(key, Number.POSITIVE_INFINITY);
      const reason = error instanceof Error ? error.message : String(error);
      process.stderr.write(`mock-hsm: key ${name} could not be rotated and is left until it changes: ${reason}\n`);
      return false;
    }
  }

  #earliestS(): number {
    let earliestS = Number.POSITIVE_INFINITY;
    for (const key of this.#keys.ring.keysWithPolicy()) earliestS = Math.min(earliestS, this.#dueOf(key));
    return earliestS;
  }

  /** Infinity when it never is. */
  #dueOf(key: Key): number {
    const known = this.#dueS.get(key);
    if (known !== undefined) return known;
    const dueS = rotationDueS(key) ?? Number.POSITIVE_INFINITY;
    this.#dueS.set(key, dueS);
    return dueS;
  }
}

/** The missed periods of a key that get versions. */
function newestMissed(key: Key, nowS: number): Due[] {
  const { kty, bits } = newestOf(key).material;
  const costMs = (kty === 'RSA-HSM' ? rsaMs[bits ?? 0] : undefined) ?? otherMs[kty];
  return missedRotations(key, nowS)
    .slice(-Math.floor(boundMs / costMs))
    .map((atS) => ({ name: key.name, atS, costMs }));
}
