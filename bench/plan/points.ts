/** Which points are measured, and in which order. Pure. */
import { type HsmSpeed, KEY_TYPES, type KeyType, LOADS, type Load, type Point, type Signer } from '../result.ts';

export const MAX_CONNECTIONS = [1, 2, 5, 10, 20, 30, 50] as const;
export const WORKERS = [1, 2, 4, 8, 16, 32] as const;
export const HSM_SPEEDS: readonly HsmSpeed[] = [
  { latencyMs: 0 },
  { latencyMs: 1 },
  { latencyMs: 5 },
  { latencyMs: 20 },
  'standard-b1',
];

/** What an operator most likely has; the sweep grows outwards from here. */
const CENTRE = {
  workers: 16,
  maxConnections: 20,
  hsm: { latencyMs: 5 },
  keyType: 'P-256',
} as const;

/** Baselines with an HSM are measured with this alone: it is the default. */
const BASELINE_CONNECTIONS = CENTRE.maxConnections;

/** The loads that a signer can be put under: a REST client serves no TLS, and a PEM key needs no module to sign. */
const LOADS_OF: Readonly<Record<Signer, readonly Load[]>> = {
  library: LOADS,
  'library-uncached': LOADS,
  'bare-rest': ['signs'],
  softhsm: LOADS,
  pem: ['handshakes'],
};

const CONNECTIONS_OF: Readonly<Record<Signer, readonly (number | null)[]>> = {
  library: MAX_CONNECTIONS,
  'library-uncached': [BASELINE_CONNECTIONS],
  'bare-rest': [BASELINE_CONNECTIONS],
  softhsm: [null],
  pem: [null],
};

/** Whether the signer asks an HSM over the network. */
export const usesHsm = (signer: Signer): boolean => !CONNECTIONS_OF[signer].includes(null);

/** Text that is the same for the same point alone, whatever the order of its properties was. */
export function nameOf({ signer, load, keyType, workers, maxConnections, hsm }: Point): string {
  return [signer, load, keyType, workers, maxConnections ?? 'none', hsm === null ? 'none' : speedName(hsm)].join(' ');
}

/** As options and tables name it: `5ms`, `standard-b1`, `real`. */
export const speedName = (speed: HsmSpeed): string => (typeof speed === 'string' ? speed : `${speed.latencyMs}ms`);

/** Every combination that has a meaning. */
function everyPoint(): Point[] {
  const signers = Object.keys(LOADS_OF) as Signer[];
  return signers.flatMap((signer) =>
    LOADS_OF[signer].flatMap((load) =>
      KEY_TYPES.flatMap((keyType) =>
        WORKERS.flatMap((workers) =>
          CONNECTIONS_OF[signer].flatMap((maxConnections) =>
            (usesHsm(signer) ? HSM_SPEEDS : [null]).map((hsm) => ({
              signer,
              load,
              keyType,
              workers,
              maxConnections,
              hsm,
            })),
          ),
        ),
      ),
    ),
  );
}

/** In how many of its coordinates a point differs from the centre; those that it has not do not count. */
export function distance({ workers, maxConnections, hsm, keyType }: Point): number {
  const differs = [
    workers !== CENTRE.workers,
    maxConnections !== null && maxConnections !== CENTRE.maxConnections,
    hsm !== null && speedName(hsm) !== speedName(CENTRE.hsm),
    keyType !== CENTRE.keyType,
  ];
  return differs.filter(Boolean).length;
}

/** More connections than workers change nothing, where fewer of them do so already. */
export function isRedundant({ workers, maxConnections }: Point): boolean {
  if (maxConnections === null) return false;
  return MAX_CONNECTIONS.some((fewer) => fewer >= workers && fewer < maxConnections) && !isCentral(maxConnections);
}

const isCentral = (maxConnections: number) => maxConnections === CENTRE.maxConnections;

/**
 * The full form: every combination, the lines through the centre first, then the planes, so that whoever interrupts it
 * has whole lines; what can only repeat another point comes last.
 */
export function fullForm(): Point[] {
  const rank = (point: Point) => (isRedundant(point) ? 10 : 0) + distance(point);
  // The sort is stable: within a rank the order of everyPoint stays.
  return everyPoint().sort((a, b) => rank(a) - rank(b));
}

interface Line {
  readonly signer: Signer;
  readonly load: Load;
  readonly keyType: KeyType;
  readonly workers: readonly number[];
  readonly maxConnections: readonly (number | null)[];
  readonly hsm: readonly (HsmSpeed | null)[];
}

const P256_SIGNS = { signer: 'library', load: 'signs', keyType: 'P-256', workers: [32] } as const;
const P256_HANDSHAKES = { signer: 'library', load: 'handshakes', keyType: 'P-256', maxConnections: [20] } as const;
const LOCAL = { load: 'handshakes', keyType: 'P-256', workers: [1, 4], maxConnections: [null], hsm: [null] } as const;

/** The quick form: the lines that its plots show, a point of each baseline beside them, and of each key type. */
const QUICK: readonly Line[] = [
  { ...P256_SIGNS, maxConnections: MAX_CONNECTIONS, hsm: [{ latencyMs: 5 }] },
  { ...P256_HANDSHAKES, workers: WORKERS, hsm: [{ latencyMs: 20 }] },
  { ...P256_SIGNS, signer: 'bare-rest', maxConnections: [20], hsm: [{ latencyMs: 5 }, { latencyMs: 0 }] },
  { ...P256_SIGNS, signer: 'library-uncached', maxConnections: [20], hsm: [{ latencyMs: 5 }] },
  { ...LOCAL, signer: 'pem' },
  { ...LOCAL, signer: 'softhsm' },
  { ...P256_SIGNS, maxConnections: [1, 20, 50], hsm: [{ latencyMs: 20 }] },
  { ...P256_SIGNS, maxConnections: [5, 20, 50], hsm: ['standard-b1'] },
  { ...P256_HANDSHAKES, workers: [32], maxConnections: [5, 50], hsm: [{ latencyMs: 20 }] },
  { ...P256_SIGNS, maxConnections: [20], hsm: [{ latencyMs: 0 }] },
  { ...P256_HANDSHAKES, workers: [1, 16], hsm: [{ latencyMs: 5 }] },
  { ...P256_SIGNS, keyType: 'RSA-2048', maxConnections: [20], hsm: [{ latencyMs: 5 }, 'standard-b1'] },
  { ...P256_SIGNS, keyType: 'RSA-4096', maxConnections: [20], hsm: [{ latencyMs: 5 }] },
  { ...P256_SIGNS, keyType: 'P-384', maxConnections: [20], hsm: [{ latencyMs: 5 }] },
  { ...P256_HANDSHAKES, keyType: 'RSA-2048', workers: [4], hsm: [{ latencyMs: 5 }] },
];

function pointsOf({ signer, load, keyType, workers, maxConnections, hsm }: Line): Point[] {
  return workers.flatMap((w) =>
    maxConnections.flatMap((c) =>
      hsm.map((speed) => ({ signer, load, keyType, workers: w, maxConnections: c, hsm: speed })),
    ),
  );
}

export function quickForm(): Point[] {
  return QUICK.flatMap(pointsOf);
}

/** Values that a point must have one of, by coordinate, as `nameOf` writes them; what is absent may be anything. */
export type Filter = { readonly [coordinate in keyof Point]?: readonly string[] | undefined };

/** The same without what may be anything, in one order whichever was asked for first. */
export function chosenBy(filter: Filter): Record<string, string[]> {
  const chosen = Object.entries(filter).filter(([, values]) => values !== undefined);
  return Object.fromEntries(chosen.map(([coordinate, values]) => [coordinate, [...new Set(values)].sort()]));
}

const WRITTEN: { readonly [coordinate in keyof Point]: (point: Point) => string } = {
  signer: ({ signer }) => signer,
  load: ({ load }) => load,
  keyType: ({ keyType }) => keyType,
  workers: ({ workers }) => String(workers),
  maxConnections: ({ maxConnections }) => String(maxConnections ?? 'none'),
  hsm: ({ hsm }) => (hsm === null ? 'none' : speedName(hsm)),
};

export function matches(point: Point, filter: Filter): boolean {
  const coordinates = Object.keys(WRITTEN) as (keyof Point)[];
  return coordinates.every((coordinate) => filter[coordinate]?.includes(WRITTEN[coordinate](point)) ?? true);
}
