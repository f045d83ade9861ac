import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runCryptoJob } from './crypto-job.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

test('A128KW gives the vector of RFC 3394 section 4.1', () => {
  const key = createSecretKey(hex('000102030405060708090A0B0C0D0E0F'));
  const value = hex('00112233445566778899AABBCCDDEEFF');
  const wrapped = hex('1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5');
  expect(runCryptoJob({ operation: 'encrypt', algorithm: 'A128KW', value }, key).value).toEqual(wrapped);
  expect(runCryptoJob({ operation: 'decrypt', algorithm: 'A128KW', value: wrapped }, key).value).toEqual(value);
});

describe.each([128, 192, 256])('AES %i', (bits) => {
  const key = createSecretKey(Buffer.alloc(bits / 8, 7));
  const iv = Buffer.alloc(16, 3);

  test('GCM returns the plaintext, and refuses a changed tag or other associated data', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (plain, associated) => {
        const [value, aad] = [Buffer.from(plain), Buffer.from(associated)];
        const algorithm = `A${bits}GCM`;
        const made = runCryptoJob({ operation: 'encrypt', algorithm, value, aad }, key);
        const job = { ...made, operation: 'decrypt', algorithm, value: made.value ?? Buffer.alloc(0), aad } as const;
        expect(runCryptoJob(job, key).value).toEqual(value);
        expect(() => runCryptoJob({ ...job, tag: Buffer.alloc(16) }, key)).toThrow();
        expect(() => runCryptoJob({ ...job, aad: Buffer.concat([aad, Buffer.from('x')]) }, key)).toThrow();
      }),
      { numRuns: 50 },
    );
  });

  test('CBCPAD returns any plaintext, CBC whole blocks without growing', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (plain) => {
        const value = Buffer.from(plain);
        const algorithm = `A${bits}CBCPAD`;
        const encrypted = runCryptoJob({ operation: 'encrypt', algorithm, value, iv }, key).value ?? Buffer.alloc(0);
        expect(runCryptoJob({ operation: 'decrypt', algorithm, value: encrypted, iv }, key).value).toEqual(value);
      }),
      { numRuns: 50 },
    );
    const block = Buffer.alloc(32, 1);
    const encrypted = runCryptoJob({ operation: 'encrypt', algorithm: `A${bits}CBC`, value: block, iv }, key);
    expect(encrypted).toEqual({ value: expect.objectContaining({ length: 32 }), iv });
  });
});
