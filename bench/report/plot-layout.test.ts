import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { domainOf, logTicks, spreadApart } from './plot-layout.ts';

const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });

describe('ticks of a logarithmic axis', () => {
  test.each([
    [
      [40, 40_000],
      [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000],
    ],
    [
      [0.04, 3000],
      [0.1, 1, 10, 100, 1000],
    ],
    [
      [4, 60],
      [5, 10, 20, 50],
    ],
    [
      [300, 450],
      [300, 400],
    ],
  ] as const)('of %j are %j', (domain, ticks) => expect(logTicks(domain)).toEqual(ticks));

  test('are between one and fourteen, ascending, within the axis, whatever was measured', () => {
    fc.assert(
      fc.property(fc.array(positive, { minLength: 1 }), (values) => {
        const domain = domainOf(values);
        const ticks = logTicks(domain);
        expect(ticks.length).toBeGreaterThanOrEqual(1);
        expect(ticks.length).toBeLessThanOrEqual(14);
        expect(ticks).toEqual(ticks.filter((tick) => tick >= domain[0] && tick <= domain[1]).toSorted((a, b) => a - b));
      }),
    );
  });
});

test('an axis holds all values, with room around them, and is whole without any', () => {
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1 }), (values) => {
      const [least, most] = domainOf(values);
      for (const value of values) expect(value > least && value < most).toBe(true);
    }),
  );
  expect(domainOf([])).toEqual([1, 10]);
  expect(domainOf([0, 100])).toEqual([80, 125]);
});

describe('labels beside the ends of lines', () => {
  const wanted = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 15 });

  test('stand apart, within the plot, in the order of the lines', () => {
    fc.assert(
      fc.property(wanted, (places) => {
        const spread = spreadApart(places, 20, 0, 300);
        const order = places.map((_, index) => index).toSorted((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
        const sorted = order.map((index) => spread[index] ?? Number.NaN);
        for (const [index, place] of sorted.entries()) {
          expect(place).toBeGreaterThanOrEqual(-1e-9);
          expect(place).toBeLessThanOrEqual(300 + 1e-9);
          if (index > 0) expect(place - (sorted[index - 1] ?? 0)).toBeGreaterThanOrEqual(20 - 1e-9);
        }
      }),
    );
  });

  test('stay where they are wanted when nothing is in the way', () => {
    expect(spreadApart([200, 0, 100], 20, 0, 300)).toEqual([200, 0, 100]);
  });
});
