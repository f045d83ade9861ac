import { describe, expect, test } from 'vitest';
import { Clock } from '../clock.ts';
import { changeClock, clockChange, readClock } from './clock-changes.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');

/** The clock an hour of the source after the changes. */
function afterAnHour(...changes: object[]): string {
  let nowMs = startMs;
  const clock = new Clock(() => nowMs);
  for (const change of changes) changeClock(clock, clockChange.parse(change));
  nowMs += 3_600_000;
  return new Date(clock.nowMs()).toISOString();
}

test.each([
  [[{ offset: '+2h' }], '2026-01-01T03:00:00.000Z'],
  [[{ advance: '-1d' }], '2025-12-31T01:00:00.000Z'],
  [[{ advance: 60_000 }, { advance: '1m' }], '2026-01-01T01:02:00.000Z'],
  [[{ set: '2030-05-05T12:00:00Z' }], '2030-05-05T13:00:00.000Z'],
  [[{ freeze: true }], '2026-01-01T00:00:00.000Z'],
  [[{ freeze: true }, { advance: '1s' }], '2026-01-01T00:00:01.000Z'],
  [[{ freeze: true }, { set: '2030-05-05T12:00:00Z' }], '2030-05-05T12:00:00.000Z'],
  [[{ freeze: true }, { offset: '5m' }], '2026-01-01T00:05:00.000Z'],
  [[{ offset: '5m', freeze: true }, { run: true }], '2026-01-01T01:05:00.000Z'],
])('after %j an hour later it is %s', (changes, expected) => expect(afterAnHour(...changes)).toBe(expected));

test.each([
  {},
  { set: 'tomorrow' },
  { offset: 'late' },
  { freeze: true, run: true },
  { colour: 'red' },
  { freeze: false },
])('%j is refused', (change) => expect(clockChange.safeParse(change).success).toBe(false));

test.each([
  { advance: '999999999999d' },
  { advance: '-100000d' },
  { offset: '999999999999d' },
  { offset: '-999999d' },
  { set: '9999-12-31T23:59:59Z' },
  { set: '8999-12-31T00:00:00Z', advance: '2d' },
])('%j would leave the years that can be shown: it is refused and changes nothing', (change) => {
  const clock = new Clock(() => startMs);
  expect(() => changeClock(clock, clockChange.parse(change))).toThrow(/1970 to 8999/);
  expect([clock.nowMs(), clock.isFrozen]).toEqual([startMs, false]);
});

describe('the flag', () => {
  test.each([
    ['+2h', { offset: '+2h' }],
    ['-30m', { offset: '-30m' }],
    ['2030-01-01T00:00:00Z', { set: '2030-01-01T00:00:00Z' }],
    ['frozen', { freeze: true }],
    ['+2h,frozen', { offset: '+2h', freeze: true }],
  ])('%s', (text, request) => expect(readClock(text)).toEqual(request));

  test.each(['', 'noon', 'frozen,noon'])('"%s" is refused', (text) => expect(() => readClock(text)).toThrow(/must be/));
});
