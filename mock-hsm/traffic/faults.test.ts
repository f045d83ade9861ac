import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFault } from './fault-flag.ts';
import { type FaultRequest, faultBody, kindOf } from './fault-model.ts';
import { Faults } from './faults.ts';

function faultsWith(requests: readonly FaultRequest[], { seed = 1, nowMs = (): number => 0 } = {}): Faults {
  const faults = new Faults(seed, nowMs);
  for (const operation of ['sign', 'get']) faults.know(operation);
  for (const request of requests) faults.add(faultBody.parse(request));
  return faults;
}

const sign = { operation: 'sign', method: 'POST', key: 'a' };

/** Which of the next `count` signatures are struck. */
const strikes = (faults: Faults, count: number) => Array.from({ length: count }, () => faults.take(sign) !== undefined);

describe('a fault', () => {
  test('strikes as often as it says and is gone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 30 }), (times, requests) => {
        const faults = faultsWith([{ status: 503, times }]);
        expect(strikes(faults, requests)).toEqual(Array.from({ length: requests }, (_, i) => i < times));
        expect(faults.list().map(({ left }) => left)).toEqual(requests < times ? [times - requests] : []);
      }),
    );
  });

  test('strikes once when it says nothing else', () => {
    expect(strikes(faultsWith([{ status: 503 }]), 3)).toEqual([true, false, false]);
  });

  test('strikes until it is taken back when it says always', () => {
    const faults = faultsWith([{ status: 503, times: 'always' }]);
    expect(strikes(faults, 50)).not.toContain(false);
    const [{ id } = { id: 0 }] = faults.list();
    expect([faults.remove(id), faults.remove(id)]).toEqual([true, false]);
    expect(strikes(faults, 1)).toEqual([false]);
  });

  test('strikes as long as it says, by the clock', () => {
    let nowMs = 1000;
    const faults = faultsWith([{ status: 503, forMs: 500 }], { nowMs: () => nowMs });
    expect(strikes(faults, 2)).toEqual([true, true]);
    nowMs = 1499;
    expect(strikes(faults, 1)).toEqual([true]);
    nowMs = 1500;
    expect(strikes(faults, 1)).toEqual([false]);
    expect(faults.list()).toEqual([]);
  });

  test('by rate strikes about as often as it says, the same requests with the same seed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0.05, max: 1, noNaN: true }), (seed, probability) => {
        const struck = () => strikes(faultsWith([{ status: 503, probability }], { seed }), 2000);
        const share = struck().filter(Boolean).length / 2000;
        expect(Math.abs(share - probability)).toBeLessThan(0.08);
        expect(struck()).toEqual(struck());
      }),
      { numRuns: 30 },
    );
  });

  test('by rate does not change another one’s choice', () => {
    const alone = faultsWith([{ operation: 'sign', status: 503, probability: 0.5 }]);
    const beside = faultsWith([
      { operation: 'sign', status: 503, probability: 0.5 },
      { operation: 'get', status: 500, probability: 0.5 },
    ]);
    const pattern = Array.from({ length: 100 }, () => {
      beside.take({ operation: 'get' });
      return beside.take(sign) !== undefined;
    });
    expect(pattern).toEqual(strikes(alone, 100));
  });

  test.each<[FaultRequest, boolean]>([
    [{ status: 500 }, true],
    [{ operation: 'sign', status: 500 }, true],
    [{ operation: 'get', status: 500 }, false],
    [{ operation: 'handshake', refuse: true }, false],
    [{ key: 'A', status: 500 }, true],
    [{ key: 'b', status: 500 }, false],
    [{ method: 'post', status: 500 }, true],
    [{ method: 'GET', status: 500 }, false],
  ])('%j befalls POST /keys/a/sign: %s', (request, expected) => {
    expect(strikes(faultsWith([request]), 1)).toEqual([expected]);
  });

  test('for any request leaves handshakes alone', () => {
    expect(faultsWith([{ delayMs: 1 }]).take({ operation: 'handshake' })).toBeUndefined();
  });

  test('for an operation that no route has is refused, with the names there are', () => {
    expect(() => faultsWith([{ operation: 'sing', status: 500 }])).toThrow(/sing; known: get, handshake, sign/);
  });

  test.each<[FaultRequest, RegExp]>([
    [{}, /must do something/],
    [{ times: 3 }, /must do something/],
    [{ retryAfterS: 1, delayMs: 1 }, /needs a status/],
    [{ body: 'x', delayMs: 1 }, /needs a status/],
    [{ reset: true, delayMs: 1 }, /needs a cut/],
    [{ silent: true, status: 500 }, /excludes status/],
    [{ cut: 'before', status: 500 }, /excludes status/],
    [{ refuse: true }, /handshake/],
    [{ operation: 'handshake', status: 500 }, /status is not for a handshake/],
    [{ operation: 'handshake', cut: 'midway' }, /only be cut before/],
    [{ operation: 'handshake', silent: true, times: 'always' }, /take it back/],
    [{ operation: 'handshake', silent: true, delayMs: 1, times: 'always' }, /take it back/],
    [{ operation: 'handshake', delayMs: 86_400_000, times: 'always' }, /take it back/],
    [{ operation: 'handshake', delayMs: 86_400_000, probability: 0.5 }, /take it back/],
    [{ operation: 'handshake', refuse: true, probability: 1 }, /take it back/],
    [{ operation: 'handshake', cut: 'before', probability: 0.95 }, /take it back/],
  ])('%j is refused', (request, message) => {
    const read = faultBody.safeParse(request);
    expect(read.success ? '' : read.error.issues.map((issue) => issue.message).join()).toMatch(message);
  });

  test.each<FaultRequest>([
    { operation: 'handshake', delayMs: 2000, times: 'always' },
    { operation: 'handshake', refuse: true, probability: 0.9 },
    { operation: 'handshake', silent: true, times: 5 },
    { operation: 'handshake', delayMs: 60_000, forMs: 10_000 },
  ])('%j is taken: it ends by itself, or lets handshakes through', (request) => {
    expect(faultBody.safeParse(request)).toMatchObject({ success: true });
  });

  test('is called by what it does', () => {
    const kind = (request: FaultRequest) => kindOf(faultBody.parse(request));
    expect(kind({ delayMs: 5, status: 503 })).toBe('delay+status');
    expect(kind({ closeConnection: true })).toBe('cut-before');
    expect(kind({ lastRequest: true, dripMs: 5 })).toBe('drip+lastRequest');
  });
});

describe('a fault in a flag', () => {
  test.each<[string, FaultRequest]>([
    ['sign:status=503,times=3,retry-after=1', { operation: 'sign', status: 503, times: 3, retryAfterS: 1 }],
    ['*:delay=2s,probability=0.1', { delayMs: 2000, probability: 0.1, times: 'always' }],
    ['get:cut=midway,reset,for=1m', { operation: 'get', cut: 'midway', reset: true, forMs: 60_000, times: 'always' }],
    ['handshake:refuse', { operation: 'handshake', refuse: true, times: 1 }],
    [
      'token:status=502,body=<p>one\\, two,times=always',
      { operation: 'token', status: 502, body: '<p>one, two', times: 'always' },
    ],
  ])('%s', (text, fault) => expect(readFault(text)).toEqual(fault));

  test.each([
    ['', /must look like/],
    ['sign', /must look like/],
    ['sign:', /unknown setting/],
    ['sign:stat=503', /unknown setting stat; known: .*status/],
    ['sign:__proto__=1', /unknown setting/],
    ['sign:status=fast', /status/],
    ['sign:status=200', /status/],
    ['sign:reset=yes,cut=before', /reset has no value/],
    ['sign:status', /status needs a value/],
    ['sign:times=3', /must do something/],
  ])('%s is refused', (text, message) => expect(() => readFault(text)).toThrow(message));
});
