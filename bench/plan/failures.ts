/** What went wrong in a run. Pure. */
import type { Result } from '../result.ts';
import { nameOf } from './points.ts';

/** What a load counted. */
export interface Counted {
  readonly count: number;
  readonly failures: number;
  /** Why one of them failed; empty when none did. */
  readonly failure: string;
}

/** Each reason once. */
export const reasonsOf = (loads: readonly Counted[]): string[] => [
  ...new Set(loads.map(({ failure }) => failure).filter((reason) => reason !== '')),
];

/** Why there is no rate: not one operation succeeded; undefined where one did. */
export function whyNothing(loads: readonly Counted[]): string | undefined {
  if (loads.some(({ count }) => count > 0)) return undefined;
  const failures = loads.reduce((sum, load) => sum + load.failures, 0);
  return failures === 0 ? 'no operation ended' : `all ${failures} operations failed: ${reasonsOf(loads).join('; ')}`;
}

/** A line for each point that could not be measured, and for each at which operations failed: such a run is no success. */
export function complaintsOf({ result, unmeasured }: { result: Result; unmeasured: readonly string[] }): string[] {
  const failing = result.measurements.filter(({ failures }) => failures > 0);
  return [
    ...unmeasured.map((why) => `not measured: ${why}`),
    ...failing.map(({ point, failures, failureReasons = [] }) => {
      const why = failureReasons.length === 0 ? '' : `: ${failureReasons.join('; ')}`;
      return `failed: ${failures} operations of ${nameOf(point)}${why}`;
    }),
  ];
}
