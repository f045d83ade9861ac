import type { Footprint } from './footprint.ts';

export type Quantity = keyof Footprint;

/**
 * What counts as growth: more than this above the start. Memory of a garbage-collected process swings, and allocators
 * keep what they had; the rest is the same number of workers, so the same number of everything, give or take those that
 * are just being replaced.
 */
const MOST_ABOVE: Readonly<Record<Quantity, (start: number) => number>> = {
  agentKiB: (start) => start * 0.25 + 8 * 1024,
  agentDescriptors: () => 8,
  launcherKiB: () => 1024,
  launcherDescriptors: () => 2,
  masterKiB: (start) => start * 0.25 + 4 * 1024,
  masterDescriptors: () => 8,
  workerKiB: (start) => start * 0.25 + 2 * 1024,
  workers: () => 2,
  clients: () => 4,
  connections: () => 4,
  sessions: () => 4,
  hsmConnections: () => 2,
};

/** The least of a stretch is what is held for good; what swings above it is on its way out. */
const least = (samples: readonly Footprint[], quantity: Quantity) =>
  Math.min(...samples.map((sample) => sample[quantity]));

export interface Change {
  readonly quantity: Quantity;
  readonly start: number;
  readonly end: number;
  readonly grew: boolean;
}

/** The least of the second quarter beside the least of the last: the first is for getting warm. */
export function changes(samples: readonly Footprint[]): Change[] {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  if (samples.length < 4) throw new Error(`${samples.length} samples say nothing about growth: 4 at least`);
  return (Object.keys(MOST_ABOVE) as Quantity[]).map((quantity) => {
    const [start, end] = [least(early, quantity), least(late, quantity)];
    return { quantity, start, end, grew: end - start > MOST_ABOVE[quantity](start) };
  });
}

/** What a worker had when it was warm, and at the end of its life. */
export interface Life {
  readonly warmKiB: number;
  readonly lastKiB: number;
}

/** A leak of 300 bytes in each of a thousand handshakes. */
const MOST_GAINED_KIB = 300;

/**
 * What the workers of one generation typically gained while they served: half of all gained more. What each handshake
 * leaves behind shows in every generation, and is gone with it before generations are compared.
 */
export function gain(lives: readonly Life[]): { readonly typicalKiB: number; readonly grew: boolean } {
  const gained = lives.map(({ warmKiB, lastKiB }) => lastKiB - warmKiB).sort((a, b) => a - b);
  const typicalKiB = gained[Math.floor(gained.length / 2)] ?? 0;
  return { typicalKiB, grew: typicalKiB > MOST_GAINED_KIB };
}
