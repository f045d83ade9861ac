import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitsOf, certificateHandle, handleOf, partsOf } from './handles.ts';

const name = fc.string({ minLength: 1, maxLength: 127 });
const created = fc.integer({ min: -(2 ** 33), max: 2 ** 33 });
const handleClass = fc.constantFrom('private', 'public', 'certificate');

describe('handles', () => {
  test('are safe positive numbers of 52 bits that tell their parts', () => {
    fc.assert(
      fc.property(name, created, handleClass, (keyName, time, objectClass) => {
        const handle = handleOf(keyName, time, objectClass);
        expect(handle > 0 && handle < 2 ** 52 && Number.isSafeInteger(handle)).toBe(true);
        expect(partsOf(handle)).toEqual({ ...bitsOf(keyName, time), handleClass: objectClass });
      }),
    );
  });

  test('of two versions made less than 194 days apart always differ', () => {
    const apart = fc.integer({ min: 1, max: 2 ** 24 - 1 });
    fc.assert(
      fc.property(name, created, apart, (keyName, time, seconds) => {
        expect(handleOf(keyName, time + seconds, 'private')).not.toBe(handleOf(keyName, time, 'private'));
      }),
    );
  });

  test('never change: processes and hosts of different age share them', () => {
    expect(handleOf('p11-6a2155dc40c94367a0f97ab452dc216f', 1_700_000_000, 'private')).toBe(3_170_172_353_347_509);
    expect(handleOf('p11-6a2155dc40c94367a0f97ab452dc216f', 1_700_000_000, 'public')).toBe(3_170_172_353_347_510);
    expect(certificateHandle(Uint8Array.of(1, 2, 3))).toBe(1_700_391_314_062_791);
  });

  test.each([0, 4, -1, 1.5, 2 ** 52 + 1, 2 ** 64, Number.NaN])('%d is nobody’s', (handle) => {
    expect(partsOf(handle)).toBeUndefined();
  });
});
