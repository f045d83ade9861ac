import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lanes } from './lanes.ts';

const partitions = fc.integer({ min: 1, max: 3 });
const lanesEach = fc.integer({ min: 1, max: 12 });
const rate = fc.integer({ min: 1, max: 4000 });
/** Requests: the pause before each, and its rate. */
const arrivals = fc.array(fc.tuple(fc.double({ min: 0, max: 50, noNaN: true }), rate), {
  minLength: 1,
  maxLength: 200,
});

function serve(lanes: Lanes, requests: readonly (readonly [number, number])[]) {
  let nowMs = 0;
  return requests.map(([pauseMs, ratePerS]) => {
    nowMs += pauseMs;
    return { arrivedMs: nowMs, ...lanes.take(nowMs, ratePerS) };
  });
}

/** N clients that each send again as soon as they have their answer, after `awayMs` on the way. */
function closedLoop(lanes: Lanes, clients: number, ratePerS: number, awayMs: number, untilMs: number): number {
  const nextMs = Array.from({ length: clients }, () => 0);
  let done = 0;
  for (;;) {
    const first = Math.min(...nextMs);
    if (first >= untilMs) return done;
    const finishMs = lanes.take(first, ratePerS).finishMs;
    nextMs[nextMs.indexOf(first)] = finishMs + awayMs;
    if (finishMs <= untilMs) done += 1;
  }
}

describe('the queue before the HSM', () => {
  test('serves in the order of arrival, and none before it came', () => {
    fc.assert(
      fc.property(partitions, lanesEach, arrivals, (p, each, requests) => {
        const turns = serve(new Lanes(p, each), requests);
        for (const [index, { arrivedMs, startMs }] of turns.entries()) {
          expect(startMs).toBeGreaterThanOrEqual(arrivedMs);
          expect(startMs).toBeGreaterThanOrEqual(turns[index - 1]?.startMs ?? 0);
        }
      }),
    );
  });

  test('never works on more requests at once than it has lanes, and wastes none while one waits', () => {
    fc.assert(
      fc.property(partitions, lanesEach, arrivals, (p, each, requests) => {
        const turns = serve(new Lanes(p, each), requests);
        for (const { startMs, arrivedMs } of turns) {
          const working = turns.filter((other) => other.startMs <= startMs && other.finishMs > startMs).length;
          expect(working).toBeLessThanOrEqual(p * each);
          if (startMs === arrivedMs) continue;
          const justBefore = turns.filter((other) => other.startMs < startMs && other.finishMs >= startMs).length;
          expect(justBefore).toBe(p * each);
        }
      }),
    );
  });

  test('takes lanes / rate for a request that finds a free lane', () => {
    fc.assert(
      fc.property(partitions, lanesEach, rate, (p, each, r) => {
        const { startMs, finishMs } = new Lanes(p, each).take(1000, r);
        expect(startMs).toBe(1000);
        expect(finishMs - startMs).toBeCloseTo((each / r) * 1000, 6);
      }),
    );
  });

  test('never does more in any time than its capacity, and one request a lane', () => {
    fc.assert(
      fc.property(partitions, lanesEach, rate, fc.integer({ min: 1, max: 100 }), (p, each, r, clients) => {
        const seconds = 400 / r;
        const done = closedLoop(new Lanes(p, each), clients, r, 0, seconds * 1000);
        expect(done).toBeLessThanOrEqual(p * r * seconds * (1 + 1e-9));
      }),
    );
  });

  test('is full when there are as many connections as lanes, and else gives connections / latency', () => {
    fc.assert(
      fc.property(
        partitions,
        lanesEach,
        rate,
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 20, noNaN: true }),
        (p, each, r, clients, awayMs) => {
          const latencyMs = (each / r) * 1000 + awayMs;
          const perMs = Math.min((p * r) / 1000, clients / latencyMs);
          const untilMs = 50 * latencyMs + (50 * clients) / perMs;
          const done = closedLoop(new Lanes(p, each), clients, r, awayMs, untilMs);
          expect(done / untilMs / perMs).toBeGreaterThan(0.95);
          expect(done / untilMs / perMs).toBeLessThan(1.05);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('keeps what is under way when partitions go down or come up', () => {
    fc.assert(
      fc.property(
        partitions,
        partitions,
        lanesEach,
        fc.integer({ min: 0, max: 40 }),
        (before, after, each, requests) => {
          const lanes = new Lanes(before, each);
          for (let i = 0; i < requests; i += 1) lanes.take(0, 100);
          const resized = lanes.resized(after);
          expect(resized.busy(0)).toBe(Math.min(lanes.busy(0), after * each));
          expect(resized.take(0, 100).startMs === 0).toBe(
            resized.busy(0) > lanes.busy(0) || lanes.busy(0) < after * each,
          );
        },
      ),
    );
  });
});
