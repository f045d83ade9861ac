// Which MaxConnections are enough, by what was measured. Pure.
import { KEY_TYPES, LOADS } from '../coordinates.ts';
import type { Measurement } from '../result.ts';
import { type Mark, ratesOf, usualHeld } from './series.ts';

export interface Enough {
  /** The point with the fewest connections that gives nearly as much as any. */
  readonly measurement: Measurement;
  /** What to set: never more than workers, which have one signature under way each. */
  readonly connections: number;
  /** Why more connections give no more. */
  readonly because: string;
}

/** Part of the greatest rate that is nearly as much. */
const NEARLY = 0.95;
/** Fewer values of MaxConnections do not show where a line ends. */
const FEWEST = 3;

const LIMITS = { machine: 'the processor was the limit', agent: "the agent's one core was the limit" } as const;

/** @param isLast of those that were measured */
function why({ point, bound, perSecond, processor }: Measurement, isLast: boolean): string {
  if (bound.by === 'capacity' && perSecond >= NEARLY * (bound.perSecond ?? 0)) return 'the HSM was full';
  if (point.workers <= (point.maxConnections ?? 0)) return 'one for each worker';
  if (processor.limit !== null) return LIMITS[processor.limit];
  return isLast ? 'more were not measured' : 'more gave no more';
}

/** For each line of rates against MaxConnections that has enough points. */
export function enoughOf(rates: readonly Mark[]): Enough[] {
  const lines = [...Map.groupBy(rates, ({ line }) => line).values()].filter((marks) => marks.length >= FEWEST);
  return lines.flatMap((marks) => {
    const most = Math.max(...marks.map(({ y }) => y));
    const sorted = marks.toSorted((one, other) => one.x - other.x);
    const first = sorted.find(({ y }) => y >= NEARLY * most);
    if (first === undefined) return [];
    const { x, measurement } = first;
    const connections = Math.min(x, measurement.point.workers);
    return [{ measurement, connections, because: why(measurement, first === sorted.at(-1)) }];
  });
}

/** Of the library, for each load and key, with as many workers as most was measured with. */
export function everyEnough(all: readonly Measurement[]): Enough[] {
  return LOADS.flatMap((load) =>
    KEY_TYPES.flatMap((keyType) => {
      const about = { load, keyType, along: 'maxConnections' } as const;
      const held = usualHeld(all, 'library', about);
      return held === undefined ? [] : enoughOf(ratesOf(all, 'library', { ...about, held }));
    }),
  );
}
