import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CKR_DATA_LEN_RANGE } from '../pkcs11/constants.ts';
import { curves } from './curves.ts';
import { concat, der, TAG } from './der.ts';
import { parseDigestInfo } from './digest-info.ts';
import { hashes } from './hashes.ts';
import type { PublicKey } from './hsm.ts';
import { fitDigest, signatureInput } from './signature-input.ts';

const rsa: PublicKey = { kty: 'RSA', modulus: new Uint8Array(256).fill(0xff), exponent: Uint8Array.of(1, 0, 1) };
const hash = fc.constantFrom(...hashes);
const message = fc.uint8Array({ maxLength: 64 });
const curve = fc.constantFrom(...Object.values(curves));
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

describe('DigestInfo', () => {
  test('built by the book is recognized, whatever the hash', () => {
    fc.assert(
      fc.property(hash, message, ({ name, pkcs1, digestInfoPrefix }, data) => {
        const digest = createHash(name).update(data).digest();
        // Built here from its parts: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }.
        const oid = digestInfoPrefix.subarray(4, 15);
        const algorithm = der(TAG.sequence, oid, der(TAG.null));
        const info = der(TAG.sequence, algorithm, der(TAG.octetString, digest));
        expect(parseDigestInfo(info)?.hash.pkcs1).toBe(pkcs1);
        expect(parseDigestInfo(info)?.digest).toEqual(Uint8Array.from(digest));
      }),
    );
  });

  test('with any byte of its frame changed, cut or added is a payload like any other', () => {
    fc.assert(
      fc.property(hash, fc.nat(), fc.integer({ min: 1, max: 255 }), (row, position, change) => {
        const info = concat(row.digestInfoPrefix, new Uint8Array(row.bytes));
        const changed = info.slice();
        const at = position % row.digestInfoPrefix.length;
        changed[at] = (changed[at] ?? 0) ^ change;
        for (const odd of [changed, info.subarray(1), info.subarray(0, -1), concat(info, Uint8Array.of(0))]) {
          expect(parseDigestInfo(odd)).toBeUndefined();
          expect(signatureInput('pkcs1', undefined, rsa, odd)).toEqual({ algorithm: 'RSNULL', digest: odd });
        }
      }),
    );
  });

  test('payloads are taken up to eleven bytes less than the modulus', () => {
    expect(signatureInput('pkcs1', undefined, rsa, new Uint8Array(245)).algorithm).toBe('RSNULL');
    expect(() => signatureInput('pkcs1', undefined, rsa, new Uint8Array(246))).toThrow(
      expect.objectContaining({ rv: CKR_DATA_LEN_RANGE }),
    );
  });
});

describe('PSS', () => {
  test.each(hashes)('takes exactly the $bytes bytes of $name', (row) => {
    expect(signatureInput('pss', row, rsa, new Uint8Array(row.bytes)).algorithm).toBe(row.pss);
    for (const bytes of [0, row.bytes - 1, row.bytes + 1]) {
      expect(() => signatureInput('pss', row, rsa, new Uint8Array(bytes))).toThrow(
        expect.objectContaining({ rv: CKR_DATA_LEN_RANGE }),
      );
    }
  });
});

describe('digest fitting', () => {
  test('gives the number that FIPS 186 takes: the leftmost bits of the order’s length', () => {
    fc.assert(
      fc.property(curve, fc.uint8Array({ maxLength: 64 }), (row, digest) => {
        const fitted = fitDigest(row, digest);
        const excess = Math.max(0, digest.length * 8 - row.bits);
        expect(fitted.length).toBe(row.digestBytes);
        expect(numberOf(fitted)).toBe(numberOf(digest) >> BigInt(excess));
      }),
    );
  });

  test('copies nothing when the length is right', () => {
    const digest = new Uint8Array(32);
    expect(fitDigest(curves['P-256'], digest)).toBe(digest);
  });

  test('of more than 64 bytes is refused on P-521, where the service takes no more', () => {
    expect(() => fitDigest(curves['P-521'], new Uint8Array(65))).toThrow(
      expect.objectContaining({ rv: CKR_DATA_LEN_RANGE }),
    );
  });
});
