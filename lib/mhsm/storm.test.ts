import { expect, test } from 'vitest';
import { Storm } from './storm.ts';

function storm() {
  const clock = { nowMs: 0 };
  return { clock, storm: new Storm(() => clock.nowMs) };
}

test('the first refusal is tried again, those within a second of a vain try are not', () => {
  const { clock, storm: known } = storm();
  expect(known.forbidsRetry(429)).toBe(false);
  known.ended(429);
  expect([known.forbidsRetry(429), known.forbidsRetry(503)]).toEqual([true, true]);
  clock.nowMs = 999;
  expect(known.forbidsRetry(429)).toBe(true);
  clock.nowMs = 1000;
  expect(known.forbidsRetry(429)).toBe(false);
});

test('each vain try prolongs it, and a success ends it', () => {
  const { clock, storm: known } = storm();
  for (clock.nowMs = 0; clock.nowMs < 10_000; clock.nowMs += 900) known.ended(503);
  expect(known.forbidsRetry(503)).toBe(true);
  known.ended(200);
  expect(known.forbidsRetry(503)).toBe(false);
});

test('what is no sign of trouble begins none', () => {
  const { storm: known } = storm();
  known.ended(403);
  expect([known.forbidsRetry(429), known.forbidsRetry(403)]).toEqual([false, false]);
});
