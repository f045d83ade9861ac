import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEY_TYPES } from '../result.ts';
import { advise, limitsOf, type Situation } from './advice.ts';

const situation: fc.Arbitrary<Situation> = fc.record({
  latencyMs: fc.double({ min: 0.1, max: 500, noNaN: true }),
  workers: fc.integer({ min: 1, max: 512 }),
  keyType: fc.constantFrom(...KEY_TYPES),
  processorPerSecond: fc.option(fc.double({ min: 10, max: 50_000, noNaN: true }), { nil: undefined }),
});
const RSA: Situation = { latencyMs: 11, workers: 16, keyType: 'RSA-2048', processorPerSecond: undefined };
/** Rounding of floating point. */
const LITTLE = 1e-6;

describe('the advised number of connections', () => {
  test('is at least one, and never above the workers: each has one signature under way', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { maxConnections } = advise(it);
        expect(maxConnections).toBeGreaterThanOrEqual(1);
        expect(maxConnections).toBeLessThanOrEqual(it.workers);
        expect(Number.isInteger(maxConnections)).toBe(true);
      }),
    );
  });

  test('is enough for the rate that is promised', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { maxConnections, perSecond } = advise(it);
        const carried = (maxConnections / it.latencyMs) * 1000;
        expect(carried).toBeGreaterThanOrEqual(perSecond * (1 - LITTLE) - LITTLE);
      }),
    );
  });

  test('is never above what is useful: a quarter more than are under way, rounded up', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { maxConnections, perSecond } = advise(it);
        expect(maxConnections).toBeLessThan((1.25 * (perSecond * it.latencyMs)) / 1000 + 1 + LITTLE);
      }),
    );
  });

  test('grows with the workers and with the latency, or stays', () => {
    fc.assert(
      fc.property(
        situation,
        fc.integer({ min: 0, max: 100 }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (it, more, ms) => {
          const { maxConnections } = advise(it);
          expect(advise({ ...it, workers: it.workers + more }).maxConnections).toBeGreaterThanOrEqual(maxConnections);
          expect(advise({ ...it, latencyMs: it.latencyMs + ms }).maxConnections).toBeGreaterThanOrEqual(maxConnections);
        },
      ),
    );
  });
});

describe('the rate that is promised', () => {
  test('is within every limit, and one of them', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { perSecond, limit, next } = advise(it);
        for (const { perSecond: most } of limitsOf(it)) expect(perSecond).toBeLessThanOrEqual(most);
        expect(perSecond).toBe(limit.perSecond);
        expect(next.perSecond).toBeGreaterThanOrEqual(perSecond);
        expect(next.by).not.toBe(limit.by);
      }),
    );
  });

  test('falls with the latency and grows with the workers, or stays', () => {
    fc.assert(
      fc.property(situation, fc.integer({ min: 0, max: 100 }), (it, more) => {
        const { perSecond } = advise(it);
        expect(advise({ ...it, latencyMs: it.latencyMs + more }).perSecond).toBeLessThanOrEqual(perSecond);
        expect(advise({ ...it, workers: it.workers + more }).perSecond).toBeGreaterThanOrEqual(perSecond);
      }),
    );
  });
});

test('few workers: a connection each', () => {
  expect(advise({ ...RSA, workers: 4 })).toMatchObject({
    maxConnections: 4,
    limit: { by: 'workers' },
    next: { by: 'capacity' },
  });
});

test('many workers: what the pool can do, about 30 connections at 11 ms as Microsoft says, and a quarter more', () => {
  expect(advise({ ...RSA, workers: 200 })).toMatchObject({
    maxConnections: 38,
    perSecond: 2700,
    inFlight: 29.7,
    limit: { by: 'capacity' },
    next: { by: 'workers' },
  });
});

test('a processor that can do less asks for less', () => {
  expect(advise({ ...RSA, workers: 200, processorPerSecond: 1000 })).toMatchObject({
    maxConnections: 14,
    perSecond: 1000,
    limit: { by: 'processor' },
  });
});

test('rounding does not add a connection', () => {
  expect(advise({ ...RSA, latencyMs: 0.1, workers: 8, processorPerSecond: 8000 }).maxConnections).toBe(1);
});
