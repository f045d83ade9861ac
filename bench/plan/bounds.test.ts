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
  processorOf,
} from './bounds.ts';

const count = fc.integer({ min: 1, max: 100 });
const latencyMs = fc.integer({ min: 1, max: 1000 });
const keyType = fc.constantFrom(...KEY_TYPES);
const rate = fc.double({ min: 1, max: 10_000, noNaN: true });
const cores = fc.integer({ min: 1, max: 64 });
/** Cores, how many of them are busy, and how many of those with what is measured. */
const use = fc
  .tuple(cores, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true }))
  .map(([all, busy, share]) => ({ cores: all, machine: all * busy, own: all * busy * share, agent: 0 }));

const pointOf = (changes: Partial<Point>): Point => ({
  signer: 'library',
  load: 'signs',
  keyType: 'P-256',
  workers: 16,
  maxConnections: 20,
  hsm: { latencyMs: 5 },
  ...changes,
});

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
        const { by } = boundOf(point);
        if (connections !== 30) expect(by).toBe(connections < 30 ? 'connections' : 'capacity');
      }),
    );
  });

  test('takes longer for a signature, the slower the key', () => {
    expect(hsmLatencyMs({ hsm: 'standard-b1', keyType: 'RSA-2048' })).toBeCloseTo(11.1, 1);
    expect(hsmLatencyMs({ hsm: 'standard-b1', keyType: 'RSA-4096' })).toBeCloseTo(66.7, 1);
  });
});

test('the bound of a point is the least of what is known before it is measured', () => {
  fc.assert(
    fc.property(keyType, count, count, (key, workers, maxConnections) => {
      const point = pointOf({ keyType: key, workers, maxConnections, hsm: 'standard-b1' });
      const { perSecond } = boundOf(point);
      expect(perSecond).toBe(Math.min(connectionsBound(point), capacityBound(point)));
    }),
  );
});

test('where nothing is known there is no bound', () => {
  expect(boundOf(pointOf({ hsm: 'real' }))).toEqual({ by: 'unknown', perSecond: null });
  expect(boundOf(pointOf({ hsm: null, maxConnections: null }))).toEqual({ by: 'unknown', perSecond: null });
});

describe('the processor', () => {
  test('was the limit from nine tenths of all cores on, whoever used them', () => {
    fc.assert(
      fc.property(rate, use, (perSecond, used) => {
        const { busy, limit } = processorOf(perSecond, used);
        expect(busy).toBeCloseTo(used.machine / used.cores, 6);
        expect(limit).toBe(busy >= 0.9 ? 'machine' : null);
      }),
    );
  });

  test('ends a rate at no less than was reached, and just there where all that others left was used', () => {
    fc.assert(
      fc.property(rate, use, (perSecond, used) => {
        const { perSecond: end } = processorOf(perSecond, used);
        if (end !== null) expect(end).toBeGreaterThanOrEqual(perSecond);
        const full = processorOf(perSecond, { ...used, machine: used.cores, own: Math.max(used.own, 0.01) });
        expect(full.perSecond).toBeCloseTo(perSecond, 3);
      }),
    );
  });

  test('is told apart by who used it, and never more than there is', () => {
    const used = { cores: 2, machine: 1.5, own: 0.5, agent: 0 };
    expect(processorOf(1000, used)).toMatchObject({ busy: 0.75, others: 0.5 });
    expect(processorOf(1000, { ...used, machine: 2.02, own: 2.03 })).toMatchObject({ busy: 1, others: 0 });
  });

  test('of an agent is one core, however many there are', () => {
    const used = { cores: 8, machine: 2, own: 2 };
    expect(processorOf(1000, { ...used, agent: 0.8 })).toEqual({ busy: 0.25, others: 0, limit: null, perSecond: 1250 });
    expect(processorOf(1000, { ...used, agent: 1.01 })).toEqual({
      busy: 0.25,
      others: 0,
      limit: 'agent',
      perSecond: 1000,
    });
  });

  test('that is mostly idle does not tell where it ends', () => {
    expect(processorOf(50, { cores: 2, machine: 0.15, own: 0.12, agent: 0.03 }).perSecond).toBeNull();
    expect(processorOf(0, { cores: 2, machine: 2, own: 0, agent: 0 }).perSecond).toBeNull();
    expect(processorOf(1000, { cores: 2, machine: 1, own: 0.8, agent: 0.4 }).perSecond).toBeCloseTo(2250);
  });
});
