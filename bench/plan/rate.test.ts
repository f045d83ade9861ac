import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rateOf } from './rate.ts';

interface Load {
  readonly lanes: number;
  /** Operations that are served at once. */
  readonly places: number;
  readonly tookMs: number;
  /** How much longer or shorter an operation may take, as a part. */
  readonly jitter: number;
  readonly durationMs: number;
}

/** Ends of the operations of lanes that all begin at 0 and wait in one queue for a place. */
function loadOf({ lanes, places, tookMs, jitter, durationMs }: Load, random: () => number) {
  const free = Array.from({ length: places }, () => 0);
  const ready = Array.from({ length: lanes }, () => 0);
  const ends: number[] = [];
  for (;;) {
    const lane = ready.indexOf(Math.min(...ready));
    const place = free.indexOf(Math.min(...free));
    if ((ready[lane] ?? 0) >= durationMs) return { ends, loadedMs: Math.min(...ready) };
    const end = Math.max(ready[lane] ?? 0, free[place] ?? 0) + tookMs * (1 + jitter * (2 * random() - 1));
    ready[lane] = end;
    free[place] = end;
    ends.push(end);
  }
}

const loads = fc.record({
  lanes: fc.integer({ min: 1, max: 64 }),
  places: fc.integer({ min: 1, max: 64 }),
  tookMs: fc.integer({ min: 1, max: 30 }),
  jitter: fc.double({ min: 0, max: 0.1, noNaN: true }),
  durationMs: fc.constant(500),
});

describe('the rate of a load', () => {
  test('is what its places can do, however many lanes wait for them', () => {
    fc.assert(
      fc.property(loads, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (load, numbers) => {
        const { ends, loadedMs } = loadOf(load, () => numbers.next().value);
        const real = (Math.min(load.lanes, load.places) * 1000) / load.tookMs;
        const rate = rateOf(ends, load.lanes, loadedMs);
        expect(rate / real).toBeGreaterThan(0.85);
        expect(rate / real).toBeLessThan(1.15);
      }),
    );
  });

  test('counts 50 a second of 32 lanes that wait for one place of 20 ms, of which few end more than one', () => {
    const load = { lanes: 32, places: 1, tookMs: 20, jitter: 0, durationMs: 500 };
    const { ends, loadedMs } = loadOf(load, () => 0.5);
    expect(rateOf(ends, 32, loadedMs)).toBeCloseTo(50);
  });

  test('is over all the time where only one operation ended, and nothing where none did', () => {
    expect(rateOf([250], 1, 250)).toBe(4);
    expect(rateOf([200, 250], 2, 0)).toBe(8);
    expect(rateOf([], 4, 500)).toBe(0);
  });
});
