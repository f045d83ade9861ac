import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSeal } from './seal.ts';

const seal = createSeal(randomBytes(32));

test('a sealed value opens with its own context', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (plain, context) => {
      expect(seal.open(seal.close(plain, context), context)).toEqual(Buffer.from(plain));
    }),
  );
});

test('another context, another master key and a changed text do not open', () => {
  const sealed = seal.close(Buffer.from('secret'), 'a');
  expect(() => seal.open(sealed, 'b')).toThrow();
  expect(() => createSeal(randomBytes(32)).open(sealed, 'a')).toThrow();
  expect(() => seal.open(sealed.slice(0, 20), 'a')).toThrow('truncated');
  expect(() => seal.open(`A${sealed.slice(1)}A`, 'a')).toThrow();
});
