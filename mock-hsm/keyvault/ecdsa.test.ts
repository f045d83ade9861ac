import { createECDH, createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runCryptoJob } from './crypto-job.ts';
import { type CurveName, curves, invert, toBigInt, toBytes } from './curves.ts';
import { multiplyAdd } from './ec-point.ts';

const cases: readonly { algorithm: string; curve: CurveName; hash: string }[] = [
  { algorithm: 'ES256', curve: 'P-256', hash: 'sha256' },
  { algorithm: 'ES256K', curve: 'P-256K', hash: 'sha256' },
  { algorithm: 'ES384', curve: 'P-384', hash: 'sha384' },
  { algorithm: 'ES512', curve: 'P-521', hash: 'sha512' },
];

const digestOf = (hash: string, message: Uint8Array) => createHash(hash).update(message).digest();

const raw = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' }) as const;

describe.each(cases)('$algorithm', ({ algorithm, curve, hash }) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curves[curve].opensslName });

  test('a signature over a digest is one over the message for OpenSSL', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        const value = digestOf(hash, message);
        const made = runCryptoJob({ operation: 'sign', algorithm, value }, privateKey).value ?? Buffer.alloc(0);
        expect(made).toHaveLength(curves[curve].fieldBytes * 2);
        expect(verify(hash, message, raw(publicKey), made)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test("OpenSSL's signature verifies, and with any bit changed it does not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (message, position) => {
        const value = digestOf(hash, message);
        const signature = sign(hash, message, raw(privateKey));
        const verified = () => runCryptoJob({ operation: 'verify', algorithm, value, signature }, privateKey).verified;
        expect(verified()).toBe(true);
        const byte = position % signature.length;
        signature[byte] = (signature[byte] ?? 0) ^ (1 << (position % 8));
        expect(verified()).toBe(false);
      }),
      { numRuns: 15 },
    );
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['all zero', Buffer.alloc(curves[curve].fieldBytes * 2)],
    ['all ones', Buffer.alloc(curves[curve].fieldBytes * 2, 0xff)],
    ['one byte short', Buffer.alloc(curves[curve].fieldBytes * 2 - 1, 1)],
  ])('a signature that is %s is false, not an error', (_name, signature) => {
    const value = digestOf(hash, Buffer.from('m'));
    expect(runCryptoJob({ operation: 'verify', algorithm, value, signature }, privateKey)).toEqual({ verified: false });
  });

  test('u1·G + u2·Q agrees with OpenSSL, whichever scalars', () => {
    const parameters = curves[curve];
    const scalar = fc.bigInt({ min: 1n, max: parameters.order - 1n });
    const byOpenSsl = (k: bigint) => {
      const ecdh = createECDH(parameters.opensslName);
      ecdh.setPrivateKey(toBytes(k, parameters.fieldBytes));
      return toBigInt(ecdh.getPublicKey().subarray(1, 1 + parameters.fieldBytes));
    };
    fc.assert(
      fc.property(scalar, scalar, (u1, u2) => {
        const sum = (u1 + u2) % parameters.order;
        fc.pre(sum !== 0n);
        expect(multiplyAdd(parameters, u1, u2, parameters.generator)?.x).toBe(byOpenSsl(sum));
      }),
      { numRuns: 10 },
    );
    expect(multiplyAdd(parameters, 1n, parameters.order - 1n, parameters.generator)).toBeUndefined();
  });
});

test('invert gives the number that multiplies to one', () => {
  const { order } = curves['P-256'];
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: order - 1n }), (value) => (value * invert(value, order)) % order === 1n),
  );
  expect(() => invert(6n, 9n)).toThrow('no inverse');
});

test('bytes and integers round-trip', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), (bytes) => {
      expect(toBytes(toBigInt(bytes), bytes.length)).toEqual(Buffer.from(bytes));
    }),
  );
});
