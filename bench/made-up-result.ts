import { RULES } from './plan/repetition.ts';
import {
  type Bound,
  type HsmSpeed,
  KEY_TYPES,
  type KeyType,
  type Load,
  type Measurement,
  type Point,
  type Result,
  type Signer,
} from './result.ts';

const CONNECTIONS = [1, 2, 5, 10, 20, 30, 50];
const WORKERS = [1, 2, 4, 8, 16, 32];
const SPEEDS: readonly HsmSpeed[] = [0, 1, 5, 20].map((latencyMs): HsmSpeed => ({ latencyMs }));
const MACHINE = { processor: 'Made-up CPU @ 2.50GHz', cores: 2, memoryMiB: 8192, system: 'Debian 12, Linux 6.1' };
const PROGRAMS = {
  node: '24.0.0',
  nginx: '1.22.1',
  openssl: '3.0.17',
  softhsm2: '2.6.1',
  'mhsm-pkcs11': '0.1.0 0000000',
  'mock-hsm': 'build 0123abcd',
  bench: 'build 4567cdef',
};

/** Signatures a second at which both cores are busy, and what an empty round trip takes. */
const PROCESSOR_PER_SECOND: Readonly<Record<Load, number>> = { signs: 4200, handshakes: 1450 };
const ROUND_TRIP_MS = 0.45;
const CAPACITY: Readonly<Record<KeyType, number>> = { 'RSA-2048': 2700, 'RSA-4096': 450, 'P-256': 990, 'P-384': 480 };

/** Of what the processor can do, with whom. */
const PACE: Readonly<Record<Signer, number>> = {
  library: 0.92,
  'library-uncached': 0.16,
  'bare-rest': 1,
  softhsm: 1.9,
  pem: 2.6,
};

function latencyOf({ hsm, keyType }: Point): number {
  if (hsm === null) return 0;
  if (hsm === 'real') return 12;
  return hsm === 'standard-b1' ? 30_000 / CAPACITY[keyType] : hsm.latencyMs;
}

function boundOf(point: Point): Bound {
  if (point.maxConnections === null) return { perSecond: null, by: 'unknown' };
  const latencyMs = latencyOf(point);
  if (latencyMs === 0) return { perSecond: null, by: 'unknown' };
  const perSecond = (Math.min(point.workers, point.maxConnections) / latencyMs) * 1000;
  const capacity = CAPACITY[point.keyType];
  if (point.hsm === 'standard-b1' && capacity < perSecond) return { perSecond: capacity, by: 'capacity' };
  return { perSecond, by: 'connections' };
}

function measured(point: Point): Measurement {
  const atOnce = Math.min(point.workers, point.maxConnections ?? point.workers);
  const latencyMs = latencyOf(point) + ROUND_TRIP_MS;
  const most = PROCESSOR_PER_SECOND[point.load] * PACE[point.signer];
  const bound = boundOf(point);
  const open = Math.min((atOnce / latencyMs) * 1000, bound.perSecond ?? Number.POSITIVE_INFINITY);
  // Soft where both meet, as measurements are.
  const perSecond = Math.round((open ** -4 + most ** -4) ** (-1 / 4));
  const isNoisy = (point.workers + (point.maxConnections ?? 0)) % 17 === 0;
  const spread = isNoisy ? 0.21 : 0.03;
  const p50 = (point.workers / perSecond) * 1000;
  const hasAgent = point.signer.startsWith('library');
  const busy = perSecond / most;
  return {
    point,
    rates: [1 - spread / 2, 1, 1 + spread / 2].map((factor) => Math.round(perSecond * factor)),
    perSecond,
    spread,
    isNoisy,
    latencyMs: { p50, p95: p50 * 1.3, p99: p50 * 1.9 },
    failures: point.workers === 32 && point.maxConnections === 1 ? 3 : 0,
    signsPerSecond: point.hsm === null ? null : perSecond,
    hsmConnections: point.maxConnections === null ? null : atOnce,
    cores: {
      agent: hasAgent ? 0.5 * busy : null,
      workers: 0.3 * busy,
      hsm: point.hsm === null ? null : 0.8 * busy,
      client: 0.4 * busy,
      machine: 2 * busy,
    },
    memoryKiB: { agent: hasAgent ? 62_000 : null, worker: 2400 },
    bound,
    processor: {
      busy,
      others: 0,
      limit: busy >= 0.9 ? 'machine' : null,
      perSecond: busy >= 0.5 ? most : null,
    },
  };
}

/** Signers with an HSM behind them, in front of each speed. */
function withHsm(load: Load, keyType: KeyType): Point[] {
  const speeds: readonly HsmSpeed[] = [...SPEEDS, 'standard-b1'];
  const signers: readonly Signer[] = load === 'signs' ? ['library', 'library-uncached', 'bare-rest'] : ['library'];
  return signers.flatMap((signer) =>
    speeds.flatMap((hsm) =>
      WORKERS.flatMap((workers) =>
        CONNECTIONS.map((maxConnections): Point => ({ signer, load, keyType, workers, maxConnections, hsm })),
      ),
    ),
  );
}

function withoutHsm(load: Load, keyType: KeyType): Point[] {
  return (['softhsm', 'pem'] as const).flatMap((signer) =>
    WORKERS.map((workers): Point => ({ signer, load, keyType, workers, maxConnections: null, hsm: null })),
  );
}

/** A result as the full form gives it, from a formula instead of a measurement: for tests of what is shown of it. */
export function madeUpResult(keyTypes: readonly KeyType[] = KEY_TYPES): Result {
  const points = (['signs', 'handshakes'] as const).flatMap((load) =>
    keyTypes.flatMap((keyType) => [...withHsm(load, keyType), ...withoutHsm(load, keyType)]),
  );
  return {
    version: 2,
    form: 'full',
    only: {},
    repetition: RULES.full,
    startedAt: '2026-01-02T03:04:05.000Z',
    finishedAt: '2026-01-02T05:04:05.000Z',
    machine: { ...MACHINE, programs: PROGRAMS },
    hsm: 'mock-hsm',
    measurements: points.map(measured),
    targets: [
      {
        name: 'signs/s through the module, MaxConnections 20, 5 ms',
        figure: 0.93,
        shown: '0.93 ×',
        wanted: '≥ 0.9 ×',
        isMet: true,
        from: '3,720/s, bare REST 4,000/s',
      },
    ],
  };
}
