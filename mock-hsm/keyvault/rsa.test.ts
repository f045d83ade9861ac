import { constants, createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runCryptoJob } from './crypto-job.ts';
import { encodePss, isPssOf } from './pss.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const cases = [256, 384, 512].flatMap((bits) => [
  { algorithm: `RS${bits}`, hash: `sha${bits}`, padding: constants.RSA_PKCS1_PADDING },
  { algorithm: `PS${bits}`, hash: `sha${bits}`, padding: constants.RSA_PKCS1_PSS_PADDING },
]);

describe.each(cases)('$algorithm', ({ algorithm, hash, padding }) => {
  const form = { padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const digestOf = (message: Uint8Array) => createHash(hash).update(message).digest();

  test('a signature over a digest is one over the message for OpenSSL', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        const value = digestOf(message);
        const signature = runCryptoJob({ operation: 'sign', algorithm, value }, privateKey).value ?? Buffer.alloc(0);
        return signature.length === 256 && verify(hash, message, { key: publicKey, ...form }, signature);
      }),
      { numRuns: 30 },
    );
  });

  test("OpenSSL's signature verifies; another digest, a changed or a short signature does not", () => {
    const message = Buffer.from('message');
    const value = digestOf(message);
    const signature = sign(hash, message, { key: privateKey, ...form });
    const verified = (digest: Buffer, given: Buffer) =>
      runCryptoJob({ operation: 'verify', algorithm, value: digest, signature: given }, privateKey).verified;
    expect(verified(value, signature)).toBe(true);
    expect(verified(digestOf(Buffer.from('other')), signature)).toBe(false);
    const changed = Buffer.from(signature);
    changed[100] = (changed[100] ?? 0) ^ 1;
    expect(verified(value, changed)).toBe(false);
    expect(verified(value, signature.subarray(1))).toBe(false);
  });

  test('a signature without its leading zero byte is none', () => {
    const signatureOf = (message: Buffer) => sign(hash, message, { key: privateKey, ...form });
    let message = Buffer.alloc(4);
    let signature = signatureOf(message);
    for (let i = 1; signature[0] !== 0; i += 1) {
      message = Buffer.alloc(4);
      message.writeUInt32BE(i);
      signature = signatureOf(message);
    }
    const job = { operation: 'verify', algorithm, value: digestOf(message) } as const;
    expect(runCryptoJob({ ...job, signature }, privateKey).verified).toBe(true);
    expect(runCryptoJob({ ...job, signature: signature.subarray(1) }, privateKey).verified).toBe(false);
  });
});

test('RSNULL pads what it is given: a caller-built DigestInfo makes an RS256 signature', () => {
  const message = Buffer.from('message');
  const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const value = Buffer.concat([prefix, createHash('sha256').update(message).digest()]);
  const { value: signature } = runCryptoJob({ operation: 'sign', algorithm: 'RSNULL', value }, privateKey);
  expect(verify('sha256', message, publicKey, signature ?? Buffer.alloc(0))).toBe(true);
});

test('a PSS encoding is recognised for its own digest and no other, at every modulus size', () => {
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(digest, digest, fc.integer({ min: 1017, max: 1032 }), (own, other, modulusBits) => {
      const block = encodePss('sha256', own, modulusBits);
      expect(block).toHaveLength(Math.ceil(modulusBits / 8));
      expect(isPssOf('sha256', own, block, modulusBits)).toBe(true);
      fc.pre(Buffer.compare(own, other) !== 0);
      expect(isPssOf('sha256', other, block, modulusBits)).toBe(false);
    }),
  );
});

test.each(['RSA1_5', 'RSA-OAEP', 'RSA-OAEP-256'])('%s: what is encrypted decrypts to itself', (algorithm) => {
  const value = Buffer.from('plain text');
  const encrypted = runCryptoJob({ operation: 'encrypt', algorithm, value }, privateKey).value ?? Buffer.alloc(0);
  expect(runCryptoJob({ operation: 'decrypt', algorithm, value: encrypted }, privateKey).value).toEqual(value);
});
