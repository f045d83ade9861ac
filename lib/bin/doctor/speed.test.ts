import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adviceOf, measureThroughput, median, worthwhile } from './speed.ts';

const series = (...perSecond: number[]) => perSecond.map((value, i) => ({ inFlight: 2 ** i, perSecond: value }));

describe('how many connections are worth having', () => {
  test.each([
    ['an HSM that one caller fills', series(100, 101, 99), 1],
    ['an HSM that scales up to four', series(100, 200, 400, 410, 405), 4],
    ['an HSM that scales on', series(100, 200, 400, 800), 8],
    ['nothing measured', [], 1],
  ])('%s', (_what, measured, connections) => {
    expect(worthwhile(measured)).toBe(connections);
  });

  test('never costs more than a tenth of the best throughput', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 7 }), (values) => {
        const measured = series(...values);
        const chosen = measured.find(({ inFlight }) => inFlight === worthwhile(measured));
        expect(chosen?.perSecond).toBeGreaterThanOrEqual(0.9 * Math.max(...values));
      }),
    );
  });

  test('is compared with the configuration', () => {
    const measured = series(100, 200, 400, 410);
    expect(adviceOf(measured, { Disable: false, MaxConnections: 20 })).toMatchObject({ outcome: 'good' });
    expect(adviceOf(measured, { Disable: false, MaxConnections: 2 })).toMatchObject({
      outcome: 'warning',
      todo: 'set ConnectionCache.MaxConnections, now 2, to 4',
    });
    expect(adviceOf(measured, { Disable: true, MaxConnections: 20 }).todo).toContain('ConnectionCache.Disable');
  });
});

test('throughput is measured with as many signatures in flight as the level says, and no more', async () => {
  let now = 0;
  let most = 0;
  const sign = async () => {
    now++;
    most = Math.max(most, now);
    await Promise.resolve();
    now--;
  };
  const measured = await measureThroughput(sign, [1, 4]);
  expect(measured.map(({ inFlight }) => inFlight)).toEqual([1, 4]);
  expect(most).toBe(4);
});

test('a refusal ends the measurement', async () => {
  await expect(measureThroughput(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
});

test('the median is one of the values', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([])).toBe(0);
});
