/** Which MaxConnections, from what limits signatures. Pure. */
import { PARTITIONS, PUBLISHED_SIGNS } from '../plan/bounds.ts';
import type { KeyType } from '../result.ts';

/** What an operator knows of a host. */
export interface Situation {
  /** Milliseconds that one signature takes, seen from the host, while the HSM has nothing else to do; above 0. */
  readonly latencyMs: number;
  /** Of all TLS servers of the host together, since they share the connections: each waits for one signature at a time. */
  readonly workers: number;
  readonly keyType: KeyType;
  /** Handshakes a second that the host's processor can do; undefined where nobody measured it. */
  readonly processorPerSecond: number | undefined;
}

export interface Limit {
  readonly by: 'workers' | 'capacity' | 'processor';
  readonly perSecond: number;
}

export interface Advice {
  readonly maxConnections: number;
  /** Handshakes with a new signature, a second. */
  readonly perSecond: number;
  /** What the rate ends at: the least of the limits. */
  readonly limit: Limit;
  /** What it would end at without that one. */
  readonly next: Limit;
  /** Signatures a second that a pool keeps up when one of its partitions is left. */
  readonly guaranteedPerSecond: number;
  /** Signatures that are under way at once at that rate, on average. */
  readonly inFlight: number;
}

/**
 * Connections beyond the average in flight: signatures do not come evenly, and one that finds no connection waits for a
 * whole signature of another.
 */
const HEADROOM = 1.25;

/** Each limit alone, least first. */
export function limitsOf({ latencyMs, workers, keyType, processorPerSecond }: Situation): Limit[] {
  const limits: Limit[] = [
    { by: 'workers', perSecond: (workers / latencyMs) * 1000 },
    { by: 'capacity', perSecond: PARTITIONS * PUBLISHED_SIGNS[keyType] },
  ];
  if (processorPerSecond !== undefined) limits.push({ by: 'processor', perSecond: processorPerSecond });
  return limits.sort((a, b) => a.perSecond - b.perSecond);
}

/**
 * As many connections as signatures can be under way at the rate that everything else allows (Little's law), with
 * headroom; and never more than workers, since each has one signature under way at most.
 */
export function advise(situation: Situation): Advice {
  const { latencyMs, workers, keyType } = situation;
  const [limit, next] = limitsOf(situation);
  if (limit === undefined || next === undefined) throw new Error('there are two limits at least');
  // 5 ms times 200/s is 1, and not a little more, which would be rounded up.
  const inFlight = Math.round(limit.perSecond * latencyMs * 1e3) / 1e6;
  return {
    maxConnections: Math.max(1, Math.min(workers, Math.ceil(inFlight * HEADROOM))),
    perSecond: limit.perSecond,
    limit,
    next,
    guaranteedPerSecond: PUBLISHED_SIGNS[keyType],
    inFlight,
  };
}
