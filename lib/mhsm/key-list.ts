import { isDeepStrictEqual } from 'node:util';
import type { KeySummary } from '../core/hsm.ts';

/** Told of each key as its page comes, while the next is on its way. */
export type OnListed = (key: KeySummary) => void;
type Sweep = (onListed: OnListed | undefined) => Promise<readonly KeySummary[]>;

/** Fresh lists in a row for who searches in vain: a program that waits for a key to be made elsewhere gets each at once. */
const MOST_IN_A_ROW = 3;
/** Then one in so long, counted from the end of the last: a program that asks for much that is not there is quick. */
const REST_MS = 1000;

/**
 * The key list of one identity: one sweep however many ask, kept, read again in the background once it is older than
 * its time to live. Gives the same array as long as a sweep finds nothing new.
 */
export class KeyList {
  readonly #sweep: Sweep;
  readonly #ttlMs: number;
  readonly #nowMs: () => number;
  #held: readonly KeySummary[] | undefined;
  #sweptMs = 0;
  #sweeps = 0;
  #flight: Promise<readonly KeySummary[]> | undefined;
  /** The sweep that begins when the one under way has ended. */
  #next: Promise<readonly KeySummary[]> | undefined;
  /** Fresh lists that `getSparingly` may still read, and since when. */
  #left = MOST_IN_A_ROW;
  #countedMs = Number.NEGATIVE_INFINITY;

  constructor(sweep: Sweep, ttlMs: number, nowMs: () => number) {
    this.#sweep = sweep;
    this.#ttlMs = ttlMs;
    this.#nowMs = nowMs;
  }

  /** Sweeps that came to their end and were kept, those in the background too. */
  get sweeps(): number {
    return this.#sweeps;
  }

  /** What is kept and how old it is; undefined while there is none. */
  get age(): { readonly ageMs: number; readonly keys: number } | undefined {
    return this.#held && { ageMs: this.#nowMs() - this.#sweptMs, keys: this.#held.length };
  }

  /** `onListed` hears of the sweep that this call begins, if it begins one. */
  get(fresh: boolean, onListed?: OnListed): Promise<readonly KeySummary[]> {
    if (fresh) return this.#readAnew(onListed);
    if (this.#held === undefined) return this.#read(onListed);
    if (this.#nowMs() - this.#sweptMs >= this.#ttlMs) this.#read(onListed).catch(() => undefined);
    return Promise.resolve(this.#held);
  }

  /**
   * As `get(true)`, for one of many that may ask in a row (what they looked for was not in the list): the list as it is
   * where others were read just now, which `onSpared` hears. What was made a second and the duration of one sweep ago is
   * there, unless that sweep failed: one may have passed it when it was made, and the second counts from its end.
   */
  async getSparingly(onListed?: OnListed, onSpared?: () => void): Promise<readonly KeySummary[]> {
    if (this.#next !== undefined) return this.#next;
    this.#left = Math.min(MOST_IN_A_ROW, this.#left + Math.max(0, this.#nowMs() - this.#countedMs) / REST_MS);
    this.#countedMs = this.#nowMs();
    if (this.#left < 1) {
      if (this.#flight !== undefined || this.#held !== undefined) onSpared?.();
      return this.#flight ?? this.get(false, onListed);
    }
    this.#left -= 1;
    try {
      return await this.#readAnew(onListed);
    } finally {
      this.#countedMs = this.#nowMs();
    }
  }

  /** After a change that this process made itself: who asks next waits for a sweep that began after it. */
  invalidate(): void {
    this.#held = undefined;
    this.#flight = undefined;
  }

  /** A sweep that begins now: one under way may have passed what the caller looks for. */
  #readAnew(onListed: OnListed | undefined): Promise<readonly KeySummary[]> {
    this.#next ??= this.#readNext(onListed);
    return this.#next;
  }

  async #readNext(onListed: OnListed | undefined): Promise<readonly KeySummary[]> {
    await this.#flight?.catch(() => undefined);
    this.#next = undefined;
    return this.#read(onListed);
  }

  #read(onListed: OnListed | undefined): Promise<readonly KeySummary[]> {
    if (this.#flight !== undefined) return this.#flight;
    const flight: Promise<readonly KeySummary[]> = this.#sweep(onListed).then((keys) =>
      // A list from before an own change is what its callers asked for, but not to be kept.
      this.#flight === flight ? this.#keep(keys) : keys,
    );
    this.#flight = flight;
    const landed = () => {
      if (this.#flight === flight) this.#flight = undefined;
    };
    flight.then(landed, landed);
    return flight;
  }

  #keep(keys: readonly KeySummary[]): readonly KeySummary[] {
    this.#sweptMs = this.#nowMs();
    this.#sweeps += 1;
    if (this.#held === undefined || !isDeepStrictEqual(keys, this.#held)) this.#held = keys;
    return this.#held;
  }
}
