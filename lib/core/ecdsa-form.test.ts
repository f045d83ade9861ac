import fc from 'fast-check';
import { expect, test } from 'vitest';
import { derOfRaw, rawOfDer } from './ecdsa-form.ts';

const field = fc.constantFrom(32, 48, 66);

test('every r‖s survives the way through DER, zeros in front included', () => {
  const raw = field.chain((bytes) => fc.uint8Array({ minLength: 2 * bytes, maxLength: 2 * bytes }));
  fc.assert(
    fc.property(raw, (bytes) => {
      expect(rawOfDer(derOfRaw(bytes), bytes.length / 2)).toEqual(bytes);
    }),
  );
});

test('bytes that are no signature are told from one', () => {
  const signature = derOfRaw(new Uint8Array(64).fill(0x81));
  expect(rawOfDer(signature.subarray(1), 32)).toBeUndefined();
  expect(rawOfDer(Uint8Array.of(...signature, 0), 32)).toBeUndefined();
  expect(rawOfDer(signature, 31)).toBeUndefined();
});
