import { expect, test } from 'vitest';
import type { TrafficSample } from './api.ts';
import { loneValues } from './browser/lone-values.ts';
import { byOperation, latencySeries, rateOf } from './browser/traffic-summary.ts';

const idle: TrafficSample = { timeMs: 0, spanMs: 1000, requests: 0, connections: 1, queued: 0, outcomes: [] };

const busy = (p50: number): TrafficSample => ({
  ...idle,
  requests: 4,
  latencyMs: { p50, p95: p50 * 2, p99: p50 * 3 },
});

const idleMinute = Array.from({ length: 60 }, () => idle);

test('an idle minute is a gap in the latency and zero requests a second', () => {
  const samples = [busy(180), ...idleMinute, busy(2)];
  expect(latencySeries(samples, 'p50')).toEqual([180, ...idleMinute.map(() => null), 2]);
  expect(latencySeries(samples, 'p99')).toEqual([540, ...idleMinute.map(() => null), 6]);
  expect(samples.map(rateOf)).toEqual([4, ...idleMinute.map(() => 0), 4]);
});

test('a latency of no time at all is no gap', () => {
  expect(latencySeries([busy(0)], 'p50')).toEqual([0]);
});

test('values between two gaps are found, since no line goes through them', () => {
  expect(loneValues([5, null, 0, null, 1, 2, null, 7])).toEqual([0, 2, 7]);
  expect(loneValues([null, 1, 2, 3, null])).toEqual([]);
  expect(loneValues([])).toEqual([]);
});

test('a rate is of a second, however long the sample took', () => {
  expect(rateOf({ ...idle, requests: 10, spanMs: 2500 })).toBe(4);
});

test('operations are summed over the samples: the busiest first, its most frequent status first', () => {
  const outcome = (operation: string, status: number, requests: number, durationMs: number) => ({
    operation,
    status,
    requests,
    durationMs,
  });
  const samples = [
    { ...idle, outcomes: [outcome('get', 200, 1, 3), outcome('sign', 429, 1, 10)] },
    idle,
    { ...idle, outcomes: [outcome('sign', 200, 3, 30)] },
  ];
  expect(byOperation(samples)).toEqual([
    {
      operation: 'sign',
      requests: 4,
      meanMs: 10,
      statuses: [
        [200, 3],
        [429, 1],
      ],
    },
    { operation: 'get', requests: 1, meanMs: 3, statuses: [[200, 1]] },
  ]);
});
