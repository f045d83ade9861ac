/** What cannot be exceeded at a point, whoever asks. Pure. */
import type { Bound, KeyType, Point } from '../result.ts';

/**
 * Signatures a second of one partition of a Standard B1 pool, as Microsoft publishes them (Managed HSM scaling
 * guidance). "Up to three times" that with all three partitions up.
 */
export const PUBLISHED_SIGNS: Readonly<Record<KeyType, number>> = {
  'RSA-2048': 900,
  'RSA-4096': 150,
  'P-256': 330,
  'P-384': 160,
};
export const PARTITIONS = 3;
/** Signatures that a partition works on at once, as mock-hsm models it; each takes so many times 1 / rate. */
const LANES_EACH = 10;

/** Above this part of all cores the processor was the limit. */
const BUSY = 0.9;

/** How busy the machine was meanwhile, in cores. */
export interface Use {
  readonly cores: number;
  /** By everything that runs on it. */
  readonly machine: number;
  /** By what was measured: agent, workers, HSM, client. */
  readonly own: number;
}

/** Milliseconds that the HSM takes for one signature; undefined where nobody knows beforehand. */
export function hsmLatencyMs({ hsm, keyType }: Pick<Point, 'hsm' | 'keyType'>): number | undefined {
  if (hsm === null || hsm === 'real') return undefined;
  if (hsm === 'standard-b1') return (LANES_EACH / PUBLISHED_SIGNS[keyType]) * 1000;
  return hsm.latencyMs;
}

/** Each worker waits for its own signature, and a connection carries one at a time. */
export function connectionsBound(point: Point): number {
  const latencyMs = hsmLatencyMs(point);
  if (latencyMs === undefined || latencyMs === 0) return Number.POSITIVE_INFINITY;
  return (Math.min(point.workers, point.maxConnections ?? Number.POSITIVE_INFINITY) / latencyMs) * 1000;
}

export function capacityBound({ hsm, keyType }: Pick<Point, 'hsm' | 'keyType'>): number {
  return hsm === 'standard-b1' ? PARTITIONS * PUBLISHED_SIGNS[keyType] : Number.POSITIVE_INFINITY;
}

/** What the same processor time an operation would give on all cores that others left; none while cores were idle. */
export function processorBound(perSecond: number, { cores, machine, own }: Use): number {
  if (machine < BUSY * cores || own <= 0) return Number.POSITIVE_INFINITY;
  const others = Math.max(0, machine - own);
  return (perSecond * Math.max(own, cores - others)) / own;
}

/** The least of the bounds, and which it is. */
export function boundOf(point: Point, perSecond: number, use: Use): Bound {
  const bounds = [
    { by: 'connections', perSecond: connectionsBound(point) },
    { by: 'capacity', perSecond: capacityBound(point) },
    { by: 'processor', perSecond: processorBound(perSecond, use) },
  ] as const;
  const least = bounds.reduce((a, b) => (b.perSecond < a.perSecond ? b : a));
  return Number.isFinite(least.perSecond) ? least : { by: 'unknown', perSecond: null };
}
