import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, RULES, type Rule, spreadOf, summaryOf } from './repetition.ts';

const rate = fc.double({ min: 0.1, max: 10_000, noNaN: true });
const rates = fc.array(rate, { minLength: 1, maxLength: 12 });
const rule: fc.Arbitrary<Rule> = fc.constantFrom(...Object.values(RULES));

/** Repeats as a run does; gives what came out. */
function repeated(rateOf: (repetition: number) => number, by: Rule) {
  const measured: number[] = [];
  do measured.push(rateOf(measured.length));
  while (!summaryOf(measured, by).isDone);
  return { measured, summary: summaryOf(measured, by) };
}

describe('the median', () => {
  test('lies among the values, with as many above as below', () => {
    fc.assert(
      fc.property(rates, (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  test('does not depend on the order', () => {
    fc.assert(
      fc.property(rates, (values) => {
        expect(median(values.toReversed())).toBe(median(values));
      }),
    );
  });
});

test('the spread does not depend on the unit, and is 0 for equal rates alone', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 2, max: 100 }), (values, factor) => {
      expect(spreadOf(values.map((value) => value * factor))).toBeCloseTo(spreadOf(values), 6);
      expect(spreadOf(values) === 0).toBe(new Set(values).size === 1);
    }),
  );
  expect(spreadOf([0, 0, 0])).toBe(0);
});

describe('repetition', () => {
  test('of what never changes ends as soon as enough count, and is not noisy', () => {
    fc.assert(
      fc.property(rate, rule, (same, by) => {
        const { measured, summary } = repeated(() => same, by);
        expect(measured).toHaveLength(by.window);
        expect(summary).toEqual({ perSecond: same, spread: 0, isNoisy: false, isDone: true });
      }),
    );
  });

  test('goes on while the rate warms up, and then forgets the start', () => {
    fc.assert(
      fc.property(rate, rule, (settled, by) => {
        const { measured, summary } = repeated((repetition) => (repetition === 0 ? settled / 2 : settled), by);
        expect(measured).toHaveLength(by.window + 1);
        expect(summary).toMatchObject({ perSecond: settled, isNoisy: false });
      }),
    );
  });

  test('of what never settles ends some time, marked noisy', () => {
    fc.assert(
      fc.property(rate, rule, (base, by) => {
        const { measured, summary } = repeated((repetition) => base * (1 + (repetition % 2)), by);
        expect(measured).toHaveLength(by.most);
        expect(summary.isNoisy).toBe(true);
      }),
    );
  });

  test('of failures alone ends too', () => {
    expect(repeated(() => 0, RULES.quick).summary).toMatchObject({ perSecond: 0, isNoisy: false });
  });

  test('counts the last ones and no other', () => {
    fc.assert(
      fc.property(rates, rates, rule, (before, values, by) => {
        fc.pre(values.length >= by.window);
        const { perSecond, spread } = summaryOf([...before, ...values], by);
        expect({ perSecond, spread }).toEqual({
          perSecond: median(values.slice(-by.window)),
          spread: spreadOf(values.slice(-by.window)),
        });
      }),
    );
  });
});
