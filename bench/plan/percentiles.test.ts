import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentilesOf } from './percentiles.ts';

const PARTS = { p50: 50, p95: 95, p99: 99 } as const;

test('a percentile is the least value that so many of 100 do not exceed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 300 }), (values) => {
      const found = percentilesOf(values);
      for (const [name, percent] of Object.entries(PARTS)) {
        const value = found[name as keyof typeof PARTS];
        const upTo = (most: number) => values.filter((each) => each <= most).length;
        expect(values).toContain(value);
        expect(100 * upTo(value)).toBeGreaterThanOrEqual(percent * values.length);
        expect(100 * upTo(value - 1)).toBeLessThan(percent * values.length);
      }
    }),
  );
});

test('of few values the slowest one is p95 and p99', () => {
  expect(percentilesOf([1, 2, 3, 100])).toEqual({ p50: 2, p95: 100, p99: 100 });
  expect(percentilesOf([])).toEqual({ p50: 0, p95: 0, p99: 0 });
});
