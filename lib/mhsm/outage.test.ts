import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Outage } from './outage.ts';

const hung = new Error('hung');

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Each question is answered or not as `answers` says, in turn. */
function outage(...answers: readonly boolean[]) {
  const count = { probes: 0 };
  const known: Outage = new Outage(async () => {
    if (answers[count.probes++]) known.ended();
    else throw hung;
  });
  return { count, known };
}

test('nobody is refused and nothing is asked while nothing is known', async () => {
  const { count, known } = outage();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([known.refusal, count.probes]).toEqual([undefined, 0]);
});

test('all are refused until a question is answered, and one is asked a second', async () => {
  const { count, known } = outage(false, false, true);
  known.began(hung);
  await vi.advanceTimersByTimeAsync(2999);
  expect([known.refusal, count.probes]).toEqual([hung, 2]);
  await vi.advanceTimersByTimeAsync(1);
  expect([known.refusal, count.probes]).toEqual([undefined, 3]);
});

test('further failures do not ask sooner, and after the end nobody asks', async () => {
  const { count, known } = outage(true);
  for (let i = 0; i < 10; i++) {
    known.began(hung);
    await vi.advanceTimersByTimeAsync(99);
  }
  expect(count.probes).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(count.probes).toBe(1);
});

test('an answer to somebody else ends it, too', async () => {
  const { count, known } = outage();
  known.began(hung);
  known.ended();
  expect(known.refusal).toBeUndefined();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(count.probes).toBe(0);
});
