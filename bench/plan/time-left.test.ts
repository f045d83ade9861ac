import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quickForm } from './points.ts';
import { RULES } from './repetition.ts';
import { durationText, firstGuessMs, timeLeftMs } from './time-left.ts';

const ms = fc.integer({ min: 0, max: 100_000 });

test('the time left is that of the points so far, for each that is left', () => {
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1 }), fc.nat(2000), ms, (took, left, guess) => {
      const mean = took.reduce((sum, each) => sum + each, 0) / took.length;
      expect(timeLeftMs(took, left, guess)).toBeCloseTo(mean * left, 3);
      expect(timeLeftMs([], left, guess)).toBe(guess * left);
    }),
  );
});

test('the first guess of the quick form is what is promised of it, three minutes at most', () => {
  expect(timeLeftMs([], quickForm().length, firstGuessMs(RULES.quick))).toBeLessThanOrEqual(180_000);
});

test.each([
  [0, '0 s'],
  [89_400, '89 s'],
  [150_000, '3 min'],
  [5_370_000, '1 h 30 min'],
  [12_000_000, '3 h 20 min'],
])('%d ms are %s', (duration, text) => expect(durationText(duration)).toBe(text));
