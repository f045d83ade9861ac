import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const rate = fc.integer({ min: 1, max: 50 });
const pausesMs = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 });

test('a limit lets through two seconds worth at once, and never more than its rate after that', () => {
  fc.assert(
    fc.property(rate, pausesMs, (ratePerS, pauses) => {
      const bucket = new TokenBucket(ratePerS);
      let nowMs = 0;
      let passed = 0;
      for (const pause of pauses) {
        nowMs += pause;
        if (bucket.take(nowMs) === 0) passed += 1;
        expect(passed).toBeLessThanOrEqual(ratePerS * (2 + nowMs / 1000) + 1e-6);
      }
    }),
  );
});

test('whoever waits as long as it was told gets through', () => {
  fc.assert(
    fc.property(rate, (ratePerS) => {
      const bucket = new TokenBucket(ratePerS);
      while (bucket.take(0) === 0);
      const waitMs = bucket.take(0);
      expect(bucket.take(waitMs + 0.001)).toBe(0);
    }),
  );
});

test('a client slower than the rate is never refused', () => {
  fc.assert(
    fc.property(rate, fc.integer({ min: 1, max: 200 }), (ratePerS, requests) => {
      const bucket = new TokenBucket(ratePerS);
      const waits = Array.from({ length: requests }, (_, i) => bucket.take((i * 1001) / ratePerS));
      expect(waits.every((wait) => wait === 0)).toBe(true);
    }),
  );
});
