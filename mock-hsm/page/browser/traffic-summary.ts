// Sums over traffic samples, for the tiles and the table.
import type { TrafficSample } from '../api.ts';

/** Samples kept and drawn: five minutes. */
export const shownSamples = 300;

export type Percentile = keyof NonNullable<TrafficSample['latencyMs']>;

export interface OperationRow {
  readonly operation: string;
  readonly requests: number;
  readonly meanMs: number;
  /** By status, the most frequent first. */
  readonly statuses: readonly (readonly [status: number, requests: number])[];
}

/** What happened by operation, the busiest first. */
export function byOperation(samples: readonly TrafficSample[]): OperationRow[] {
  const sums = new Map<string, { requests: number; durationMs: number; statuses: Map<number, number> }>();
  for (const { operation, status, requests, durationMs } of samples.flatMap(({ outcomes }) => outcomes)) {
    const sum = sums.get(operation) ?? { requests: 0, durationMs: 0, statuses: new Map() };
    sum.requests += requests;
    sum.durationMs += durationMs;
    sum.statuses.set(status, (sum.statuses.get(status) ?? 0) + requests);
    sums.set(operation, sum);
  }
  return [...sums]
    .map(([operation, { requests, durationMs, statuses }]) => ({
      operation,
      requests,
      meanMs: durationMs / requests,
      statuses: [...statuses].sort((a, b) => b[1] - a[1]),
    }))
    .sort((a, b) => b.requests - a.requests);
}

/** A percentile of the latency in milliseconds, sample by sample; null where nothing was answered. */
export const latencySeries = (samples: readonly TrafficSample[], percentile: Percentile): (number | null)[] =>
  samples.map(({ latencyMs }) => latencyMs?.[percentile] ?? null);

/** Requests a second of one sample. */
export const rateOf = ({ requests, spanMs }: TrafficSample): number => (requests * 1000) / Math.max(1, spanMs);
