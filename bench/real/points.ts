/** What is measured against a real HSM: fewer points, since somebody pays for each. Pure. */
import { MAX_CONNECTIONS, WORKERS } from '../plan/points.ts';
import type { Rule } from '../plan/repetition.ts';
import type { KeyType, Point } from '../result.ts';
import { mostSigns } from './budget.ts';

const USUAL = { workers: 16, maxConnections: 20 } as const;
const MOST_THREADS = 32;

/** One signature at a time first: its latency is what bounds are made from. */
export function realForm(keyTypes: readonly KeyType[]): Point[] {
  return keyTypes.flatMap((keyType) => {
    const library = { signer: 'library', keyType, hsm: 'real' } as const;
    const signs = { ...library, load: 'signs' } as const;
    return [
      { ...signs, workers: 1, maxConnections: 1 },
      ...MAX_CONNECTIONS.map((maxConnections): Point => ({ ...signs, workers: MOST_THREADS, maxConnections })),
      ...WORKERS.map(
        (workers): Point => ({ ...library, load: 'handshakes', workers, maxConnections: USUAL.maxConnections }),
      ),
      { ...signs, ...USUAL, signer: 'library-uncached' },
    ];
  });
}

export interface Estimate {
  readonly signatures: number;
  readonly seconds: number;
}

/** Around the loads of a point: programs start and end. */
const AROUND_A_POINT_S = 3;

/** At most so much, if every point is repeated as often as its rule allows; each key signs its certificate. */
export function estimateOf(points: readonly Point[], { warmUpMs, durationMs, most }: Rule): Estimate {
  const loadMs = warmUpMs + most * durationMs;
  const signsOf = (point: Point) => mostSigns(point, warmUpMs) + most * mostSigns(point, durationMs);
  const certificates = new Set(points.map(({ keyType }) => keyType)).size;
  return {
    signatures: points.reduce((sum, point) => sum + signsOf(point), certificates),
    seconds: points.length * (loadMs / 1000 + AROUND_A_POINT_S),
  };
}
