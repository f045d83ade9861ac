import { execFileSync } from 'node:child_process';
import { constants, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeTransfer,
  encodeTransfer,
  transferMechanisms,
  unwrapTransferred,
  wrapForTransfer,
} from './key-transfer.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

describe.each(transferMechanisms)('%s', (mechanism) => {
  test('gives any secret back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (secret) => {
        const wrapped = wrapForTransfer(mechanism, publicKey, Buffer.from(secret));
        expect(unwrapTransferred(mechanism, privateKey, wrapped)).toEqual(Buffer.from(secret));
      }),
      { numRuns: 20 },
    );
  });

  test('refuses what was changed on the way', () => {
    const wrapped = wrapForTransfer(mechanism, publicKey, randomBytes(32));
    wrapped[wrapped.length - 1] = (wrapped.at(-1) ?? 0) ^ 1;
    expect(() => unwrapTransferred(mechanism, privateKey, wrapped)).toThrow();
  });
});

test('the openssl command unwraps CKM_RSA_AES_KEY_WRAP by RFC 5649', () => {
  const secret = randomBytes(33);
  const wrapped = wrapForTransfer('CKM_RSA_AES_KEY_WRAP', publicKey, secret);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const aesKey = privateDecrypt({ key: privateKey, padding, oaepHash: 'sha1' }, wrapped.subarray(0, 256));
  const options = ['enc', '-d', '-id-aes256-wrap-pad', '-K', aesKey.toString('hex'), '-iv', 'a65959a6'];
  expect(execFileSync('openssl', options, { input: wrapped.subarray(256) })).toEqual(secret);
});

test('the JSON around it reads back, and anything else is undefined', () => {
  const blob = { kid: 'https://pool/keys/kek/v', enc: 'RSA_AES_KEY_WRAP_256', ciphertext: Buffer.from('x') } as const;
  expect(decodeTransfer(encodeTransfer(blob))).toEqual(blob);
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(decodeTransfer(text)).toBeUndefined();
    }),
  );
});
