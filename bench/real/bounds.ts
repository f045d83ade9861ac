/** Bounds of what was measured against a real HSM, from its own latency. Pure. */
import { PARTITIONS, PUBLISHED_SIGNS } from '../plan/bounds.ts';
import type { Bound, Measurement, Point, Result } from '../result.ts';

/** Of one signature at a time: the latency that the library adds is in it. */
function aloneMs(measurements: readonly Measurement[], { keyType }: Point): number | undefined {
  return measurements.find(
    ({ point }) =>
      point.signer === 'library' && point.load === 'signs' && point.workers === 1 && point.keyType === keyType,
  )?.latencyMs.p50;
}

function boundOf({ point, bound }: Measurement, all: readonly Measurement[]): Bound {
  const latencyMs = aloneMs(all, point);
  if (point.hsm !== 'real' || point.maxConnections === null || !latencyMs) return bound;
  const bounds: readonly Bound[] = [
    { by: 'connections', perSecond: (Math.min(point.workers, point.maxConnections) / latencyMs) * 1000 },
    { by: 'capacity', perSecond: PARTITIONS * PUBLISHED_SIGNS[point.keyType] },
    bound,
  ];
  const most = (it: Bound) => it.perSecond ?? Number.POSITIVE_INFINITY;
  return bounds.reduce((least, other) => (most(other) < most(least) ? other : least));
}

/** The result with bounds by min(workers, MaxConnections) / latency and the published speed of a pool. */
export function withBounds(result: Result): Result {
  const { measurements } = result;
  return { ...result, measurements: measurements.map((it) => ({ ...it, bound: boundOf(it, measurements) })) };
}
