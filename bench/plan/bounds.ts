/** What a point cannot exceed, known before it is measured; and how near the processor was to its end. Pure. */
import type { Bound, KeyType, Point, Processor } from '../result.ts';

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

/** From this part of its time on what is busy was the limit. */
const BUSY = 0.9;
/** Below this part nothing is reckoned: an operation alone takes several times the processor time of one among many. */
const TELLING = 0.5;

/** How busy the machine was meanwhile, in cores. */
export interface Use {
  readonly cores: number;
  /** By everything that runs on it. */
  readonly machine: number;
  /** By what was measured: agent, workers, HSM, client. */
  readonly own: number;
  /** By the agent, which has one thread; 0 where there is none. */
  readonly agent: number;
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

/** The least of the bounds, and which it is. */
export function boundOf(point: Point): Bound {
  const bounds = [
    { by: 'connections', perSecond: connectionsBound(point) },
    { by: 'capacity', perSecond: capacityBound(point) },
  ] as const;
  const least = bounds.reduce((a, b) => (b.perSecond < a.perSecond ? b : a));
  return Number.isFinite(least.perSecond) ? least : { by: 'unknown', perSecond: null };
}

/** What the same processor time for each operation gives on all cores that others left. */
function machineEnd(perSecond: number, { cores, machine, own }: Use): number {
  const forUs = Math.max(own, cores - Math.max(0, machine - own));
  return machine < TELLING * cores || own <= 0 ? Number.POSITIVE_INFINITY : (perSecond * forUs) / own;
}

/** What it gives on the one core that an agent can use. */
const agentEnd = (perSecond: number, { agent }: Use): number =>
  agent < TELLING ? Number.POSITIVE_INFINITY : perSecond / Math.min(1, agent);

/**
 * A remark on what was measured. Where the processor ends it is made from the measured rate, and so no bound to hold
 * that against.
 */
export function processorOf(perSecond: number, use: Use): Processor {
  // Linux counts in hundredths of a second: short loads seem to use a little more than there is.
  const busy = Math.min(1, use.machine / use.cores);
  const others = Math.max(0, use.machine - use.own) / use.cores;
  const end = Math.min(machineEnd(perSecond, use), agentEnd(perSecond, use));
  const limit = busy >= BUSY ? 'machine' : use.agent >= BUSY ? 'agent' : null;
  return { busy, others: Math.min(1, others), limit, perSecond: Number.isFinite(end) ? end : null };
}
