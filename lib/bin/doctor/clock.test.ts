import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clockFinding } from './clock.ts';

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const hsmMs = Date.parse(DATE) + 500;
const at = (offsetMs: number, date: string | undefined = DATE) =>
  clockFinding({ date, beforeMs: hsmMs + offsetMs - 100, afterMs: hsmMs + offsetMs + 100 });

describe('the clock of this host beside the HSM\u2019s', () => {
  test.each([
    [0, "agrees with the HSM's within 2 s"],
    [60_000, "agrees with the HSM's within 62 s"],
    [-60_000, "agrees with the HSM's within 62 s"],
  ])('is good at %d ms', (offsetMs, text) => {
    expect(at(offsetMs)).toEqual({ check: 'clock', outcome: 'good', text });
  });

  test.each([
    [61_000, '61 s ahead of'],
    [-7_200_000, '7200 s behind'],
  ])('is told at %d ms, with what to do', (offsetMs, words) => {
    expect(at(offsetMs)).toMatchObject({
      outcome: 'warning',
      text: `the clock of this host is ${words} the HSM's`,
      todo: expect.stringContaining('timedatectl set-ntp true'),
    });
  });

  test('is not judged by an answer without a date that can be read', () => {
    for (const date of ['', 'soon']) expect(at(0, date).outcome).toBe('skipped');
    expect(clockFinding({ date: undefined, beforeMs: 0, afterMs: 0 }).outcome).toBe('skipped');
  });

  test('is as far off in one direction as in the other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seconds) => {
        expect(at(seconds * 1000).outcome).toBe(at(-seconds * 1000).outcome);
      }),
    );
  });
});
