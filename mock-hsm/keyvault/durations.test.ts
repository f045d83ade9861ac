import { expect, test } from 'vitest';
import { addDuration } from './durations.ts';

const start = Date.UTC(2026, 0, 31) / 1000;

test.each([
  ['P90D', Date.UTC(2026, 4, 1)],
  ['P1Y', Date.UTC(2027, 0, 31)],
  ['P1Y2M3D', Date.UTC(2027, 3, 3)],
])('%s after 31 January 2026', (duration, expectedMs) => {
  expect(addDuration(start, duration)).toBe(expectedMs / 1000);
});

test.each(['', 'P', '90D', 'PT1H', 'P1D1Y', 'P-1D'])('%j is refused', (duration) => {
  expect(() => addDuration(start, duration)).toThrow('is not an ISO 8601 duration');
});
