import { expect, test } from 'vitest';
import type { Subject } from './subjects/subject.ts';
import { warmUp } from './warm-up.ts';

/** Loads in no time: what it is asked for is what it says to have done. */
function subjectOf(perSecond: number, failuresPerSecond = 0) {
  let loadedMs = 0;
  const subject: Pick<Subject, 'run'> = {
    run: async (durationMs) => {
      loadedMs += durationMs;
      const [count, failures] = [perSecond, failuresPerSecond].map((rate) => (rate * durationMs) / 1000);
      const latencyMs = { p50: 0, p95: 0, p99: 0 };
      return { perSecond, count: count ?? 0, failures: failures ?? 0, failure: failures ? 'refused' : '', latencyMs };
    },
  };
  return { subject, loadedMs: () => loadedMs };
}

test.each([
  ['a fast subject is warm after its operations', 6000, 500],
  ['one that is faster than the shortest load is not asked for less', 1_000_000, 250],
  ['a slow subject ends with its time', 10, 4000],
  ['so does one that does nothing', 0, 4000],
])('%s', async (_, perSecond, wantedMs) => {
  const { subject, loadedMs } = subjectOf(perSecond);
  await warmUp(subject);
  expect(loadedMs()).toBe(wantedMs);
});

test('failures are not lost', async () => {
  const { subject } = subjectOf(0, 4);
  expect(await warmUp(subject)).toMatchObject({ count: 0, failures: 16, failure: 'refused' });
});
