import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEY_TYPES, type Point } from '../result.ts';
import {
  boundOf,
  capacityBound,
  connectionsBound,
  hsmLatencyMs,
  PARTITIONS,
  PUBLISHED_SIGNS,
  processorBound,
} from './bounds.ts';

const count = fc.integer({ min: 1, max: 100 });
const latencyMs = fc.integer({ min: 1, max: 1000 });
const rate = fc.double({ min: 1, max: 10_000, noNaN: true });
const keyType = fc.constantFrom(...KEY_TYPES);
const cores = fc.integer({ min: 1, max: 64 });
const part = fc.double({ min: 0, max: 1, noNaN: true });

const pointOf = (changes: Partial<Point>): Point => ({
  signer: 'library',
  load: 'signs',
  keyType: 'P-256',
  workers: 16,
  maxConnections: 20,
  hsm: { latencyMs: 5 },
  ...changes,
});

const idle = { cores: 2, machine: 0.5, own: 0.5 };

describe('the bound by connections', () => {
  test('is what the fewer of workers and connections can ask for, one after another each', () => {
    fc.assert(
      fc.property(count, count, latencyMs, (workers, maxConnections, ms) => {
        const bound = connectionsBound(pointOf({ workers, maxConnections, hsm: { latencyMs: ms } }));
        expect(bound).toBeCloseTo((Math.min(workers, maxConnections) * 1000) / ms, 6);
        expect(bound).toBe(
          connectionsBound(pointOf({ workers: maxConnections, maxConnections: workers, hsm: { latencyMs: ms } })),
        );
      }),
    );
  });

  test('never shrinks with more workers or connections, and grows no more where the other is the fewer', () => {
    fc.assert(
      fc.property(count, count, count, (workers, maxConnections, more) => {
        const bound = connectionsBound(pointOf({ workers, maxConnections }));
        const moreConnections = connectionsBound(pointOf({ workers, maxConnections: maxConnections + more }));
        expect(moreConnections).toBeGreaterThanOrEqual(bound);
        if (maxConnections >= workers) expect(moreConnections).toBe(bound);
      }),
    );
  });

  test.each([
    ['an HSM that takes no time', { hsm: { latencyMs: 0 } }],
    ['no HSM', { hsm: null, maxConnections: null }],
    ['a real HSM, whose latency nobody knows beforehand', { hsm: 'real' }],
  ] as const)('there is none with %s', (_, changes) => {
    expect(connectionsBound(pointOf(changes))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a pool of published speed', () => {
  test('makes what all its partitions make, however many ask', () => {
    fc.assert(
      fc.property(keyType, (key) => {
        expect(capacityBound({ hsm: 'standard-b1', keyType: key })).toBe(PARTITIONS * PUBLISHED_SIGNS[key]);
      }),
    );
  });

  test('is full from thirty connections on: fewer are the bound themselves', () => {
    fc.assert(
      fc.property(keyType, count, (key, connections) => {
        const point = pointOf({ hsm: 'standard-b1', keyType: key, workers: 100, maxConnections: connections });
        const { by } = boundOf(point, 1, idle);
        if (connections !== 30) expect(by).toBe(connections < 30 ? 'connections' : 'capacity');
      }),
    );
  });

  test('takes longer for a signature, the slower the key', () => {
    expect(hsmLatencyMs({ hsm: 'standard-b1', keyType: 'RSA-2048' })).toBeCloseTo(11.1, 1);
    expect(hsmLatencyMs({ hsm: 'standard-b1', keyType: 'RSA-4096' })).toBeCloseTo(66.7, 1);
  });
});

describe('the bound by the processor', () => {
  test('is no bound while a tenth of the cores is idle', () => {
    fc.assert(
      fc.property(rate, cores, part, (perSecond, all, busy) => {
        const use = { cores: all, machine: 0.89 * all * busy, own: 0.5 * all * busy };
        expect(processorBound(perSecond, use)).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  test('is never below what was reached, and reached where all that others left was used', () => {
    fc.assert(
      fc.property(rate, cores, fc.double({ min: 0.01, max: 1, noNaN: true }), (perSecond, all, share) => {
        const full = { cores: all, machine: all, own: share * all };
        expect(processorBound(perSecond, full)).toBeCloseTo(perSecond, 3);
        const nearlyFull = { ...full, machine: 0.95 * all, own: 0.9 * all * share };
        expect(processorBound(perSecond, nearlyFull)).toBeGreaterThanOrEqual(perSecond);
      }),
    );
  });
});

test('the bound of a point is the least of those that there are', () => {
  fc.assert(
    fc.property(rate, count, count, fc.boolean(), (perSecond, workers, maxConnections, isBusy) => {
      const point = pointOf({ workers, maxConnections });
      const use = isBusy ? { cores: 2, machine: 2, own: 2 } : idle;
      const bound = boundOf(point, perSecond, use);
      const least = Math.min(connectionsBound(point), processorBound(perSecond, use));
      expect(bound.perSecond).toBe(least);
      expect(bound.by).toBe(least === connectionsBound(point) ? 'connections' : 'processor');
    }),
  );
});

test('where nothing is known there is no bound', () => {
  expect(boundOf(pointOf({ hsm: 'real' }), 100, idle)).toEqual({ by: 'unknown', perSecond: null });
});
