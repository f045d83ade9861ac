/** How many signatures a run may ask for. */
import { PARTITIONS, PUBLISHED_SIGNS } from '../plan/bounds.ts';
import type { Point } from '../result.ts';
import type { Subject } from '../subjects/subject.ts';

/** The next load could exceed what is allowed. */
export class BudgetSpent extends Error {}

/** A pool may be faster than published; a load is cut at what was reserved for it. */
const MARGIN = 1.2;

/** Signatures that a load of this time asks for at most: at the published speed of a pool. */
export function mostSigns({ keyType, workers }: Pick<Point, 'keyType' | 'workers'>, durationMs: number): number {
  const perSecond = PARTITIONS * PUBLISHED_SIGNS[keyType];
  // Those under way at the end are finished.
  return Math.ceil((perSecond * MARGIN * durationMs) / 1000) + 2 * workers;
}

/** Counts what is spent, and refuses a load that could exceed the whole. */
export class Budget {
  readonly whole: number;
  #spent = 0;
  readonly #over = new AbortController();

  /** @param whole signatures */
  constructor(whole: number) {
    this.whole = whole;
  }

  /** What the HSM was asked for, and may have been asked for by loads that did not say. */
  get spent(): number {
    return this.#spent;
  }

  /** Aborts when a load was refused: what is left is for nothing else either. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Before the HSM is asked: a load that fails on its way asked for an unknown part. Throws BudgetSpent when so many are not left. */
  book(signs: number): void {
    if (this.#spent + signs <= this.whole) {
      this.#spent += signs;
      return;
    }
    const error = new BudgetSpent(
      `${this.#spent} of ${this.whole} signatures were asked for, and the next load may need ${signs}: allow more by --max-signatures`,
    );
    this.#over.abort(error);
    throw error;
  }

  /** The subject with each of its loads booked and cut at that; failures count too: the HSM was asked for them. */
  metered(subject: Subject, point: Point): Subject {
    return {
      run: async (durationMs) => {
        const most = mostSigns(point, durationMs);
        this.book(most);
        const report = await subject.run(durationMs, most);
        this.#spent -= most - report.count - report.failures;
        return report;
      },
      processes: () => subject.processes(),
      stop: () => subject.stop(),
    };
  }
}
