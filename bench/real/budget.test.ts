import { describe, expect, test } from 'vitest';
import type { Point } from '../result.ts';
import type { LoadReport, Subject } from '../subjects/subject.ts';
import { Budget, BudgetSpent, mostSigns } from './budget.ts';

const point: Point = { signer: 'library', load: 'signs', keyType: 'P-256', workers: 8, maxConnections: 8, hsm: 'real' };

/** Signs so many times in each load; fails in some of them. */
function subjectWith(count: number, failures = 0): Subject & { loads: number; stopped: boolean } {
  const report: LoadReport = { perSecond: count, count, failures, failure: '', latencyMs: { p50: 1, p95: 1, p99: 1 } };
  return {
    loads: 0,
    stopped: false,
    async run() {
      this.loads += 1;
      return report;
    },
    processes: async () => ({ agent: undefined, workers: [], client: [] }),
    async stop() {
      this.stopped = true;
    },
  };
}

describe('a budget', () => {
  test('counts what succeeded and what failed', async () => {
    const budget = new Budget(100_000);
    const metered = budget.metered(subjectWith(300, 7), point);
    await metered.run(500);
    await metered.run(500);
    expect(budget.spent).toBe(614);
  });

  test('refuses a load that could exceed it, before the HSM is asked, and ends the run', async () => {
    const subject = subjectWith(500);
    const budget = new Budget(mostSigns(point, 500) + 499);
    const metered = budget.metered(subject, point);
    await metered.run(500);
    await expect(metered.run(500)).rejects.toThrow(BudgetSpent);
    expect(subject.loads).toBe(1);
    expect(budget.signal.aborted).toBe(true);
    expect(budget.spent).toBeLessThanOrEqual(budget.whole);
  });

  test('says what was spent, what would be needed, and what to do', () => {
    const budget = new Budget(100);
    budget.book(60);
    expect(() => budget.book(41)).toThrow(
      '60 of 100 signatures were asked for, and the next load may need 41: allow more by --max-signatures',
    );
    expect(() => budget.book(40)).not.toThrow();
  });

  test('cuts each load at what was booked for it: an HSM may be faster than published', async () => {
    const limits: (number | undefined)[] = [];
    const subject: Subject = {
      ...subjectWith(1),
      async run(_durationMs, most) {
        limits.push(most);
        return { ...(await subjectWith(most ?? 0).run(500)) };
      },
    };
    const most = mostSigns(point, 500);
    const budget = new Budget(2 * most);
    const metered = budget.metered(subject, point);
    await metered.run(500);
    await metered.run(500);
    expect(limits).toEqual([most, most]);
    expect(budget.spent).toBe(budget.whole);
  });

  test('keeps what was booked for a load that did not say what it asked for', async () => {
    const failing: Subject = { ...subjectWith(0), run: () => Promise.reject(new Error('signs ended')) };
    const budget = new Budget(1_000_000);
    await expect(budget.metered(failing, point).run(500)).rejects.toThrow('signs ended');
    expect(budget.spent).toBe(mostSigns(point, 500));
  });

  test('lets go of its subject', async () => {
    const subject = subjectWith(1);
    await new Budget(1).metered(subject, point).stop();
    expect(subject.stopped).toBe(true);
  });
});
