/** How often a point is measured. Pure. */

export interface Rule {
  /** Of one repetition, in milliseconds. */
  readonly durationMs: number;
  /** Before the first, uncounted, against a real HSM; what asks the mock is warm after so many operations. */
  readonly warmUpMs: number;
  /** Repetitions that count: the last ones. */
  readonly window: number;
  /** Greatest spread of those that count. */
  readonly spread: number;
  readonly most: number;
}

export const RULES = {
  quick: { durationMs: 500, warmUpMs: 1000, window: 3, spread: 0.1, most: 4 },
  full: { durationMs: 2000, warmUpMs: 2000, window: 3, spread: 0.05, most: 6 },
} as const satisfies Record<string, Rule>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** (greatest - least) / median; 0 where all are 0. */
export function spreadOf(values: readonly number[]): number {
  const range = Math.max(...values) - Math.min(...values);
  return range === 0 ? 0 : range / median(values);
}

export interface Summary {
  /** Median of those that count. */
  readonly perSecond: number;
  readonly spread: number;
  readonly isNoisy: boolean;
  /** No further repetition is wanted. */
  readonly isDone: boolean;
}

/**
 * What is known after these rates: the last `window` count, so that a start that was still warming up, or a moment in
 * which the machine did something else, falls out.
 */
export function summaryOf(rates: readonly number[], { window, spread: most, most: mostRepetitions }: Rule): Summary {
  const counting = rates.slice(-window);
  const spread = spreadOf(counting);
  const isCalm = counting.length >= window && spread <= most;
  return {
    perSecond: median(counting),
    spread,
    isNoisy: !isCalm,
    isDone: isCalm || rates.length >= mostRepetitions,
  };
}
