import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chanceFor } from '../random.ts';
import { drawLatency, durationMs, latencyText, readLatency } from './durations.ts';

test.each([
  ['250ms', 250],
  ['5', 5],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['-1d', -86_400_000],
])('%s is %d milliseconds', (text, ms) => expect(durationMs(text)).toBe(ms));

test.each(['', 'ms', '5 s', '1e3', '5min', '--5', 'NaN'])('"%s" is no duration', (text) => {
  expect(durationMs(text)).toBeUndefined();
});

describe('a latency', () => {
  test('reads back from its text', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (a, b) => {
        const latency = { meanMs: Math.max(a, b), spreadMs: Math.min(a, b) };
        expect(readLatency(latencyText(latency))).toEqual(latency);
      }),
    );
  });

  test('may write its spread in ASCII', () => expect(readLatency('5ms+-1ms')).toEqual({ meanMs: 5, spreadMs: 1 }));

  test.each(['1ms±5ms', '-5ms', '5ms±-1ms', '5ms±', '5ms±1ms±1ms'])('%s is none', (text) => {
    expect(readLatency(text)).toBeUndefined();
  });

  test('stays within its spread, varies, and is the same again with the same seed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 1000 }), (seed, spreadMs) => {
        const draw = () => {
          const chance = chanceFor(seed, 'latency');
          return Array.from({ length: 20 }, () => drawLatency({ meanMs: 1000, spreadMs }, chance));
        };
        const drawn = draw();
        for (const ms of drawn) expect(Math.abs(ms - 1000)).toBeLessThanOrEqual(spreadMs);
        expect(new Set(drawn).size).toBeGreaterThan(10);
        expect(draw()).toEqual(drawn);
      }),
    );
  });
});
