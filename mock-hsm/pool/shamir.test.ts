import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinSecret, splitSecret } from './shamir.ts';

const secrets = fc.uint8Array({ minLength: 1, maxLength: 40 });
const quorum = fc
  .integer({ min: 3, max: 10 })
  .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 2, max: count })));

test('any quorum of shares gives the secret back, in any order', () => {
  const pick = quorum.chain(([count, required]) =>
    fc.record({
      count: fc.constant(count),
      required: fc.constant(required),
      holders: fc.shuffledSubarray([...Array(count).keys()], { minLength: required, maxLength: required }),
    }),
  );
  fc.assert(
    fc.property(secrets, pick, (secret, { count, required, holders }) => {
      const shares = splitSecret(secret, count, required);
      const chosen = shares.filter((_, holder) => holders.includes(holder));
      expect(joinSecret(chosen)).toEqual(Buffer.from(secret));
      expect(joinSecret(chosen.toReversed())).toEqual(Buffer.from(secret));
    }),
  );
});

test('one share less gives something else', () => {
  const secret = Buffer.alloc(32, 7);
  expect(joinSecret(splitSecret(secret, 5, 3).slice(0, 2))).not.toEqual(secret);
});
