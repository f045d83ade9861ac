/** How long a signature takes, and how many connections are worth having. */
import type { HsmIdentity } from '../../core/hsm.ts';
import { type Finding, failure, good, warning } from './finding.ts';
import type { Trial } from './keys.ts';

export interface Measured {
  readonly inFlight: number;
  readonly perSecond: number;
}

/** Signatures in flight that are tried, and so the connections of the measurement. */
export const LEVELS = [1, 2, 4, 8, 16, 32, 64] as const;
export const MEASURED_CONNECTIONS = 64;
const LATENCY_SIGNS = 11;
/** Enough that the first and the last signature of a level weigh little. */
const SIGNS_A_LEVEL = 48;
const LEAST_SIGNS_A_LANE = 4;
/** Of the best throughput: what is worth having without more connections. */
const ENOUGH = 0.9;
/** Growth from one level to the next below which more is not tried. */
const WORTH_A_TRY = 1.1;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The fewest in flight that give nearly the best throughput; 1 when nothing was measured. */
export function worthwhile(measured: readonly Measured[]): number {
  const best = Math.max(0, ...measured.map(({ perSecond }) => perSecond));
  return measured.find(({ perSecond }) => perSecond >= ENOUGH * best)?.inFlight ?? 1;
}

type Sign = () => Promise<unknown>;

async function measureLevel(sign: Sign, inFlight: number): Promise<Measured> {
  const signs = Math.max(LEAST_SIGNS_A_LANE, Math.ceil(SIGNS_A_LEVEL / inFlight));
  const lane = async () => {
    for (let i = 0; i < signs; i++) await sign();
  };
  const beginMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { inFlight, perSecond: (inFlight * signs * 1000) / (performance.now() - beginMs) };
}

/** Throughput level by level, until twice in a row more does not help. */
export async function measureThroughput(sign: Sign, levels: readonly number[] = LEVELS): Promise<Measured[]> {
  const measured: Measured[] = [];
  let vain = 0;
  for (const level of levels) {
    const before = measured.at(-1);
    const now = await measureLevel(sign, level);
    measured.push(now);
    vain = before !== undefined && now.perSecond < WORTH_A_TRY * before.perSecond ? vain + 1 : 0;
    if (vain === 2) break;
  }
  return measured;
}

async function latency(sign: Sign): Promise<Finding> {
  const times: number[] = [];
  for (let i = 0; i < LATENCY_SIGNS; i++) {
    const beginMs = performance.now();
    await sign();
    times.push(performance.now() - beginMs);
  }
  const worst = Math.max(...times);
  return good(
    'latency',
    `a signature takes ${median(times).toFixed(1)} ms (median of ${times.length}), at most ${worst.toFixed(1)} ms`,
  );
}

export interface ConnectionCache {
  readonly Disable: boolean;
  readonly MaxConnections: number;
}

/** What the measurement means for the configuration. */
export function adviceOf(measured: readonly Measured[], { Disable, MaxConnections }: ConnectionCache): Finding {
  const wanted = worthwhile(measured);
  const series = measured.map(({ inFlight, perSecond }) => `${inFlight}: ${Math.round(perSecond)}/s`).join(', ');
  const text = `signatures by how many are in flight: ${series}; ${wanted} connection(s) are worth having`;
  if (Disable)
    return warning(
      'connections',
      text,
      'ConnectionCache.Disable makes each signature pay a TLS handshake: set it to false',
    );
  if (MaxConnections < wanted) {
    return warning('connections', text, `set ConnectionCache.MaxConnections, now ${MaxConnections}, to ${wanted}`);
  }
  return good('connections', `${text}; MaxConnections is ${MaxConnections}`);
}

/** Latency and throughput of one key. `identity` must have MEASURED_CONNECTIONS. */
export async function examineSpeed(identity: HsmIdentity, trial: Trial, cache: ConnectionCache): Promise<Finding[]> {
  const { key, algorithm, digest } = trial;
  const sign = () => identity.sign(key.name, key.version, algorithm, digest);
  try {
    // All connections are open before the clock runs.
    await Promise.all(Array.from({ length: MEASURED_CONNECTIONS }, sign));
    return [await latency(sign), adviceOf(await measureThroughput(sign), cache)];
  } catch (error) {
    return [failure('connections', error)];
  }
}
