import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addDuration, dayS } from './durations.ts';

const start = Date.UTC(2026, 0, 31) / 1000;

test.each([
  ['P90D', Date.UTC(2026, 4, 1)],
  ['P1Y', Date.UTC(2027, 0, 31)],
  ['P1Y2M3D', Date.UTC(2027, 3, 3)],
  ['P4W', Date.UTC(2026, 1, 28)],
  ['PT48H', Date.UTC(2026, 1, 2)],
  ['P1DT1H1M1S', Date.UTC(2026, 1, 1, 1, 1, 1)],
])('%s after 31 January 2026', (duration, expectedMs) => {
  expect(addDuration(start, duration)).toBe(expectedMs / 1000);
});

test.each(['', 'P', 'PT', 'P1DT', '90D', 'P1D1Y', 'P-1D', 'P1.5D', 'p1d', 'P1H', 'P1D ', 'PT1D'])(
  '%j is refused',
  (duration) => {
    expect(() => addDuration(start, duration)).toThrow('is not an ISO 8601 duration');
  },
);

test('a duration beyond all calendars is refused', () => {
  expect(() => addDuration(8.64e12 - 1, 'P999999D')).toThrow('beyond what a date can hold');
});

const amount = fc.integer({ min: 0, max: 9999 });

test('days, weeks and hours are exact and come back by subtraction', () => {
  fc.assert(
    fc.property(amount, amount, amount, (weeks, days, hours) => {
      const duration = `P${weeks}W${days}DT${hours}H`;
      const later = addDuration(start, duration);
      expect(later - start).toBe((weeks * 7 + days) * dayS + hours * 3600);
      expect(addDuration(later, duration, -1)).toBe(start);
    }),
  );
});

test('more of anything is never earlier', () => {
  const duration = (years: number, months: number, days: number) => `P${years}Y${months}M${days}D`;
  const small = fc.integer({ min: 0, max: 400 });
  fc.assert(
    fc.property(small, small, small, small, (years, months, days, more) => {
      const end = addDuration(start, duration(years, months, days));
      expect(addDuration(start, duration(years, months, days + more))).toBe(end + more * dayS);
      expect(addDuration(start, duration(years + more, months, days))).toBeGreaterThanOrEqual(end);
      expect(addDuration(start, duration(years, months + more, days))).toBeGreaterThanOrEqual(end);
    }),
  );
});
