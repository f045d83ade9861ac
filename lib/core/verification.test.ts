import { constants, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { curves } from './curves.ts';
import { digestOf, hashes } from './hashes.ts';
import type { CurveName, PublicKey } from './hsm.ts';
import { fitDigest } from './signature-input.ts';
import { verifies } from './verification.ts';

const bytesOf = (text: string | undefined) => Uint8Array.from(Buffer.from(text ?? '', 'base64url'));
const NAMES = { 'P-256': 'prime256v1', 'P-256K': 'secp256k1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };

function ecPair(curve: CurveName): { privateKey: KeyObject; publicKey: PublicKey } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: NAMES[curve] });
  const { x, y }: JsonWebKey = privateKey.export({ format: 'jwk' });
  return { privateKey, publicKey: { kty: 'EC', curve, x: bytesOf(x), y: bytesOf(y) } };
}

// 2049 bits, so that the encoded block is a byte shorter than the modulus once, as RFC 8017 allows for PSS.
const rsaPairs = [2048, 2049].map((modulusLength) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
  const { n, e }: JsonWebKey = privateKey.export({ format: 'jwk' });
  return { privateKey, publicKey: { kty: 'RSA', modulus: bytesOf(n), exponent: bytesOf(e) } as const };
});
const ecPairs = (Object.keys(NAMES) as CurveName[]).map(ecPair);

const message = fc.uint8Array({ maxLength: 100 });
const hash = fc.constantFrom(...hashes);
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at % bytes.length ? byte ^ 1 : byte));

describe('verification without the HSM', () => {
  test('agrees with OpenSSL on ECDSA of every curve and hash, and on nothing that was touched', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ecPairs), hash, message, fc.nat(), ({ privateKey, publicKey }, row, data, at) => {
        const signature = sign(row.name, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
        if (publicKey.kty !== 'EC') return;
        const curve = curves[publicKey.curve];
        const input = { algorithm: curve.algorithm, digest: fitDigest(curve, digestOf(row, data)) };
        expect(verifies(publicKey, input, signature)).toBe(true);
        expect(verifies(publicKey, input, flip(signature, at))).toBe(false);
        expect(verifies(publicKey, { ...input, digest: flip(input.digest, at) }, signature)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('agrees with OpenSSL on PKCS #1 and PSS', () => {
    const scheme = fc.constantFrom('pkcs1', 'pss');
    fc.assert(
      fc.property(fc.constantFrom(...rsaPairs), scheme, hash, message, fc.nat(), (pair, kind, row, data, at) => {
        const padding = kind === 'pss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
        const signature = sign(row.name, data, { key: pair.privateKey, padding, saltLength: row.bytes });
        const input = { algorithm: row[kind], digest: digestOf(row, data) };
        expect(verifies(pair.publicKey, input, signature)).toBe(true);
        expect(verifies(pair.publicKey, input, flip(signature, at))).toBe(false);
        expect(verifies(pair.publicKey, { ...input, digest: flip(input.digest, at) }, signature)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('refuses a PSS salt of another length', () => {
    const [pair] = rsaPairs;
    const [row] = hashes;
    if (pair === undefined || row === undefined) throw new Error('no pair');
    const data = Uint8Array.of(1);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signature = sign(row.name, data, { key: pair.privateKey, padding, saltLength: 20 });
    expect(verifies(pair.publicKey, { algorithm: row.pss, digest: digestOf(row, data) }, signature)).toBe(false);
  });

  test('refuses r and s of zero or of the order, points off the curve, and numbers above the modulus', () => {
    for (const { publicKey } of ecPairs) {
      if (publicKey.kty !== 'EC') continue;
      const { n, fieldBytes, algorithm, digestBytes } = curves[publicKey.curve];
      const half = (value: bigint) => value.toString(16).padStart(fieldBytes * 2, '0');
      const input = { algorithm, digest: new Uint8Array(digestBytes) };
      for (const [r, s] of [
        [0n, 1n],
        [1n, 0n],
        [n, 1n],
        [1n, n],
      ] as const) {
        expect(verifies(publicKey, input, Buffer.from(half(r) + half(s), 'hex'))).toBe(false);
      }
      const off = { ...publicKey, y: flip(publicKey.y, 1) };
      expect(verifies(off, input, Buffer.from(half(1n) + half(1n), 'hex'))).toBe(false);
    }
    const [pair] = rsaPairs;
    if (pair === undefined) throw new Error('no pair');
    expect(verifies(pair.publicKey, { algorithm: 'RSNULL', digest: new Uint8Array(0) }, pair.publicKey.modulus)).toBe(
      false,
    );
  });
});
