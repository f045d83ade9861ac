import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certificateHandle, handleOf, nameBits, partsOf, versionBits } from './handles.ts';

const name = fc.string({ minLength: 1, maxLength: 127 });
const created = fc.integer({ min: 0, max: 2 ** 33 });
const handleClass = fc.constantFrom('private', 'public', 'certificate');

describe('handles', () => {
  test('are safe positive numbers of 52 bits that tell their parts', () => {
    fc.assert(
      fc.property(name, created, handleClass, (keyName, time, objectClass) => {
        const handle = handleOf(keyName, time, objectClass);
        expect(handle > 0 && handle < 2 ** 52 && Number.isSafeInteger(handle)).toBe(true);
        expect(partsOf(handle)).toEqual({
          nameBits: nameBits(keyName),
          versionBits: versionBits(keyName, time),
          handleClass: objectClass,
        });
      }),
    );
  });

  test('never change: processes and hosts of different age share them', () => {
    expect(handleOf('p11-6a2155dc40c94367a0f97ab452dc216f', 1_700_000_000, 'private')).toBe(3_170_172_402_265_477);
    expect(handleOf('p11-6a2155dc40c94367a0f97ab452dc216f', 1_700_000_000, 'public')).toBe(3_170_172_402_265_478);
    expect(certificateHandle(Uint8Array.of(1, 2, 3))).toBe(1_700_391_336_916_711);
  });

  test.each([0, 4, -1, 1.5, 2 ** 52 + 1, 2 ** 64, Number.NaN])('%d is nobody’s', (handle) => {
    expect(partsOf(handle)).toBeUndefined();
  });
});
