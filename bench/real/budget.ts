/** How many signatures a run may ask for. */
import { PARTITIONS, PUBLISHED_SIGNS } from '../plan/bounds.ts';
import type { Point } from '../result.ts';
import type { LoadReport, Subject } from '../subjects/subject.ts';

/** The next load could exceed what is allowed. */
export class BudgetSpent extends Error {}

/** The rate is not known before, and varies. */
const MARGIN = 1.2;

/** Signatures that a load of this time may ask for: at the published speed of a pool, or at one that was seen. */
export function mostSigns(
  { keyType, workers }: Pick<Point, 'keyType' | 'workers'>,
  durationMs: number,
  seen = 0,
): number {
  const perSecond = Math.max(PARTITIONS * PUBLISHED_SIGNS[keyType], seen);
  // Those under way at the end are finished.
  return Math.ceil((perSecond * MARGIN * durationMs) / 1000) + 2 * workers;
}

/** Counts what is spent, and refuses a load that could exceed the whole. */
export class Budget {
  readonly whole: number;
  #spent = 0;
  #fastest = 0;
  readonly #over = new AbortController();

  /** @param whole signatures */
  constructor(whole: number) {
    this.whole = whole;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Aborts when a load was refused: what is left is for nothing else either. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  spend(signs: number): void {
    this.#spent += signs;
  }

  /** Throws BudgetSpent when so many are not left. */
  reserve(signs: number): void {
    if (this.#spent + signs <= this.whole) return;
    const error = new BudgetSpent(
      `${this.#spent} of ${this.whole} signatures were asked for, and the next load may need ${signs}: allow more by --max-signatures`,
    );
    this.#over.abort(error);
    throw error;
  }

  /** The subject with each of its loads counted, failures too: the HSM was asked for them. */
  metered(subject: Subject, point: Point): Subject {
    return {
      run: async (durationMs) => {
        this.reserve(mostSigns(point, durationMs, this.#fastest));
        const report = await subject.run(durationMs);
        this.#count(report, durationMs);
        return report;
      },
      processes: () => subject.processes(),
      stop: () => subject.stop(),
    };
  }

  #count({ count, failures }: LoadReport, durationMs: number): void {
    this.spend(count + failures);
    this.#fastest = Math.max(this.#fastest, ((count + failures) * 1000) / durationMs);
  }
}
