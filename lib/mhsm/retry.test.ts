import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NoAnswer } from './no-answer.ts';
import { pauseBeforeRetry, retryAfterMs } from './retry.ts';

const first = { attempts: 1, repeatable: true, nowMs: 0, random: 0.5 };
const answer = (status: number, headers = {}) => ({ status, headers, body: '' });
const cut = (sent: boolean, code = 'ECONNRESET') =>
  new NoAnswer('network', sent, Object.assign(new Error('cut'), { code }));

describe('pauseBeforeRetry', () => {
  test.each([408, 429, 500, 502, 503, 504, 599])('a %i is worth another try', (status) => {
    expect(pauseBeforeRetry(answer(status), first)).toBe(50);
  });

  test.each([200, 201, 204, 302, 400, 401, 403, 404, 409, 501, 505])('a %i is final', (status) => {
    expect(pauseBeforeRetry(answer(status), first)).toBeUndefined();
  });

  test('what must not happen twice is sent again only when it surely did not happen', () => {
    const once = { ...first, repeatable: false };
    expect(pauseBeforeRetry(answer(503), once)).toBeUndefined();
    expect(pauseBeforeRetry(cut(true), once)).toBeUndefined();
    expect(pauseBeforeRetry(cut(false), once)).toBe(0);
    expect(pauseBeforeRetry(answer(429), once)).toBe(50);
  });

  test('a broken connection is replaced at once, the second time after a pause', () => {
    expect(pauseBeforeRetry(cut(true, 'UND_ERR_SOCKET'), first)).toBe(0);
    expect(pauseBeforeRetry(cut(true), { ...first, attempts: 2 })).toBe(100);
  });

  test.each(['queue', 'connect', 'answer', 'crowded'] as const)('a deadline (%s) is final', (reason) => {
    expect(pauseBeforeRetry(new NoAnswer(reason, false), first)).toBeUndefined();
  });

  test.each(['ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED'])('%s is told at once', (code) => {
    expect(pauseBeforeRetry(cut(false, code), first)).toBeUndefined();
  });

  test('pauses double, spread by half, and end after five attempts', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), random, (attempts, spread) => {
        const pause = pauseBeforeRetry(answer(503), { ...first, attempts, random: spread });
        const middle = 50 * 2 ** (attempts - 1);
        expect(pause).toBeGreaterThanOrEqual(middle / 2);
        expect(pause).toBeLessThanOrEqual(middle * 1.5);
      }),
    );
    expect(pauseBeforeRetry(answer(503), { ...first, attempts: 5 })).toBeUndefined();
  });

  test('Retry-After wins over the own pause', () => {
    expect(pauseBeforeRetry(answer(429, { 'retry-after': '2' }), first)).toBe(2000);
  });
});

test.each([
  ['7', 7000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:00:05 GMT', 4000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['Thursday, 01-Jan-70 00:00:05 GMT', 4000],
  ['Thu Jan  1 00:00:05 1970', 4000 + new Date(0).getTimezoneOffset() * 60_000],
  ['soon', undefined],
  ['', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['5s', undefined],
  ['Thu', undefined],
  [undefined, undefined],
])('Retry-After: %s asks for %s ms at 1 s past the epoch', (header, expected) => {
  expect(retryAfterMs(header, 1000)).toBe(expected);
});

test('Retry-After is a time from now on or nothing, whatever it says', () => {
  const odd = fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9A-Za-z:, ]{0,30}$/), fc.bigInt().map(String));
  fc.assert(
    fc.property(odd, fc.integer({ min: 0, max: 4e12 }), (header, nowMs) => {
      expect(retryAfterMs(header, nowMs) ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('Retry-After as a date asks for what is left of it', () => {
  const seconds = fc.integer({ min: 0, max: 4e9 });
  fc.assert(
    fc.property(seconds, seconds, (at, now) => {
      const left = Math.max(0, at - now) * 1000;
      expect(retryAfterMs(new Date(at * 1000).toUTCString(), now * 1000)).toBe(left);
    }),
  );
});
