import { expect, test } from 'vitest';
import { Jobs, jobDurationMs } from './jobs.ts';

const startMs = Date.UTC(2026, 0, 1);

test.each([
  ['from its start on', 0, 'InProgress'],
  ['until its time is over', jobDurationMs - 1, 'InProgress'],
  ['and not after it', jobDurationMs, 'Succeeded'],
  ['nor when the clock was moved back behind its start', -86_400_000, 'Succeeded'],
])('a job runs %s', (_when, byMs, status) => {
  let nowMs = startMs;
  const jobs = new Jobs(() => nowMs);
  const job = jobs.start('backup');
  nowMs += byMs;
  expect(jobs.statusOf(job).status).toBe(status);
  if (status === 'Succeeded') jobs.start('restore');
  else expect(() => jobs.start('restore')).toThrow('backup is in progress');
});
