/** What a result says about an operator's situation. Pure. */
import type { KeyType, Measurement, Result } from '../result.ts';
import type { Situation } from './advice.ts';

const isOfLibrary = ({ point }: Measurement): boolean => point.signer === 'library' && point.load === 'handshakes';

/** Cores that nginx and the agent need for a handshake a second: what runs on the operator's host too. */
const costOf = ({ cores, perSecond }: Measurement): number => ((cores.agent ?? 0) + cores.workers) / perSecond;

/**
 * Handshakes a second that so many cores can do, by the cheapest handshake that was measured with this type of key, or
 * with any where it was not; undefined where no handshake was. Cheapest, because a machine that shares its cores with
 * the load and the HSM spends more on each.
 */
export function processorPerSecond({ measurements }: Result, keyType: KeyType, cores: number): number | undefined {
  const handshakes = measurements.filter((it) => isOfLibrary(it) && it.perSecond > 0 && costOf(it) > 0);
  const ofType = handshakes.filter(({ point }) => point.keyType === keyType);
  const costs = (ofType.length > 0 ? ofType : handshakes).map(costOf);
  return costs.length === 0 ? undefined : cores / Math.min(...costs);
}

const ratio = (one: number, other: number): number => Math.abs(Math.log(one / other));

/** How far a measurement is from a situation, by factors; undefined where it cannot be compared. */
function distance(
  { point }: Measurement,
  { latencyMs, workers }: Situation,
  maxConnections: number,
): number | undefined {
  if (typeof point.hsm !== 'object' || point.hsm === null || point.hsm.latencyMs === 0) return undefined;
  if (point.maxConnections === null) return undefined;
  return (
    ratio(point.hsm.latencyMs, latencyMs) + ratio(point.workers, workers) + ratio(point.maxConnections, maxConnections)
  );
}

/** Measured handshakes with the same type of key whose latency, workers and connections are nearest. */
export function nearest(result: Result, situation: Situation, maxConnections: number): Measurement | undefined {
  let best: { measurement: Measurement; far: number } | undefined;
  for (const measurement of result.measurements) {
    if (!isOfLibrary(measurement) || measurement.point.keyType !== situation.keyType) continue;
    const far = distance(measurement, situation, maxConnections);
    if (far !== undefined && (best === undefined || far < best.far)) best = { measurement, far };
  }
  return best?.measurement;
}
