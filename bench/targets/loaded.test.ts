// An operation that fails: told beside the figure, or no figure. Subject and check are made up.
import { expect, test } from 'vitest';
import type { LoadReport, Subject } from '../subjects/subject.ts';
import { holdTargets, targetLine } from './all.ts';
import { loaded } from './loaded.ts';
import { atLeast, type Check, type Scene } from './target.ts';

function subjectOf(count: number, failures: number): Subject {
  const failure = failures > 0 ? 'alert 80' : '';
  const report: LoadReport = { perSecond: count, count, failures, failure, latencyMs: { p50: 1, p95: 1, p99: 1 } };
  return {
    run: async () => report,
    processes: async () => ({ agent: undefined, workers: [], client: [] }),
    stop: async () => {},
  };
}

test.each([
  [20, 1],
  [5000, 1],
  [5000, 5],
])('%i operations of which %i more fail give a figure', async (count, failures) => {
  expect(await loaded(subjectOf(count, failures), 400, 'ours')).toMatchObject({ count, failures });
});

test.each([
  [0, 1],
  [20, 2],
  [5000, 6],
])('%i operations of which %i more fail give none', async (count, failures) => {
  await expect(loaded(subjectOf(count, failures), 400, 'ours')).rejects.toThrow(
    `ours: ${failures} operations failed, ${count} did not; one with alert 80`,
  );
});

const POINT = { signer: 'library', load: 'signs', keyType: 'P-256', workers: 1, maxConnections: 1, hsm: null } as const;

/** Two loads of one subject, then a figure. */
const check: Check = async ({ open }) => {
  const subject = await open(POINT);
  for (let load = 0; load < 2; load++) await loaded(subject, 400, 'ours');
  return [atLeast('rate', 1, 0.9, '3,000/s')];
};

test.each([
  [0, '3,000/s'],
  [1, '3,000/s; 2 of 6002 operations of this check failed: alert 80'],
])('%i failures in each of two loads: what the figure was made from says so', async (failures, from) => {
  const scene = {
    open: async () => subjectOf(3000, failures),
    signal: new AbortController().signal,
  } as unknown as Scene;
  const [target, ...others] = await holdTargets(scene, () => undefined, [['signatures', check]]);
  expect(others).toEqual([]);
  expect(target && targetLine(target)).toBe(`met    rate: 1.00 x, wanted >= 0.9 x (${from})`);
});
