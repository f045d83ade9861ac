// Every operation of CryptographyClient with every algorithm of the service; Node's own crypto is the judge.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, type JsonWebKeyInput, randomBytes, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import type { KeyVaultKey } from '@azure/keyvault-keys';
import { client, cryptographyClient } from './connection.ts';

const message = Buffer.from('to be signed');
const digest = (hash: string) => createHash(hash).update(message).digest();

describe('RSA', async () => {
  const key = await client.createRsaKey('rsa', { keySize: 2048 });
  const cryptography = cryptographyClient(key);

  for (const algorithm of ['RSA1_5', 'RSA-OAEP', 'RSA-OAEP-256'] as const) {
    test(`${algorithm} encrypts and decrypts, wraps and unwraps`, async () => {
      const plaintext = randomBytes(32);
      const { result: ciphertext } = await cryptography.encrypt({ algorithm, plaintext });
      const decrypted = await cryptography.decrypt({ algorithm, ciphertext });
      assert.deepEqual(Buffer.from(decrypted.result), plaintext);
      const wrapped = await cryptography.wrapKey(algorithm, plaintext);
      const { result, keyID } = await cryptography.unwrapKey(algorithm, wrapped.result);
      assert.deepEqual(Buffer.from(result), plaintext);
      assert.equal(keyID, key.id);
    });
  }

  // verifyData happens in the client, which takes every RSA signature for PKCS#1: for PS* it says false to good ones.
  for (const [algorithm, hash, padding] of [
    ['RS256', 'sha256', 1],
    ['RS384', 'sha384', 1],
    ['RS512', 'sha512', 1],
    ['PS256', 'sha256', 6],
    ['PS384', 'sha384', 6],
    ['PS512', 'sha512', 6],
  ] as const) {
    test(`${algorithm} signs a digest and a message, and tells a wrong signature`, async () => {
      const { result: signature } = await cryptography.sign(algorithm, digest(hash));
      assert.ok(verify(hash, message, { key: publicKeyOf(key), padding }, signature));
      assert.equal((await cryptography.verify(algorithm, digest(hash), signature)).result, true);
      assert.equal((await cryptography.verify(algorithm, digest(hash), randomBytes(256))).result, false);
      const { result: ofData } = await cryptography.signData(algorithm, message);
      assert.ok(verify(hash, message, { key: publicKeyOf(key), padding }, ofData));
      if (algorithm.startsWith('PS')) return;
      assert.equal((await cryptography.verifyData(algorithm, message, ofData)).result, true);
      assert.equal((await cryptography.verifyData(algorithm, Buffer.from('other'), ofData)).result, false);
    });
  }
});

describe('EC', () => {
  for (const [algorithm, curve, hash] of [
    ['ES256', 'P-256', 'sha256'],
    ['ES256K', 'P-256K', 'sha256'],
    ['ES384', 'P-384', 'sha384'],
    ['ES512', 'P-521', 'sha512'],
  ] as const) {
    test(`${algorithm} signs a digest and a message with a key on ${curve}`, async () => {
      const key = await client.createEcKey(`ec-${algorithm}`, { curve });
      const cryptography = cryptographyClient(key);
      const { result: signature } = await cryptography.sign(algorithm, digest(hash));
      assert.ok(verify(hash, message, { key: publicKeyOf(key), dsaEncoding: 'ieee-p1363' }, signature));
      assert.equal((await cryptography.verify(algorithm, digest(hash), signature)).result, true);
      const ofData = await cryptography.signData(algorithm, message);
      assert.equal((await cryptography.verifyData(algorithm, message, ofData.result)).result, true);
      assert.equal((await cryptography.verifyData(algorithm, Buffer.from('other'), ofData.result)).result, false);
    });
  }
});

describe('AES', () => {
  for (const bits of [128, 192, 256] as const) {
    test(`A${bits}GCM, CBC, CBCPAD and KW come back as they went in`, async () => {
      const cryptography = cryptographyClient(await client.createOctKey(`oct-${bits}`, { keySize: bits, hsm: true }));
      const plaintext = randomBytes(48);
      const additionalAuthenticatedData = Buffer.from('context');

      const gcm = await cryptography.encrypt({ algorithm: `A${bits}GCM`, plaintext, additionalAuthenticatedData });
      assert.deepEqual([gcm.iv?.length, gcm.authenticationTag?.length], [12, 16]);
      const { result: ciphertext, iv = Buffer.alloc(0), authenticationTag = Buffer.alloc(0) } = gcm;
      const sealed = { algorithm: `A${bits}GCM`, ciphertext, iv, authenticationTag } as const;
      const opened = await cryptography.decrypt({ ...sealed, additionalAuthenticatedData });
      assert.deepEqual(Buffer.from(opened.result), plaintext);
      await assert.rejects(cryptography.decrypt(sealed), { statusCode: 400 });

      for (const algorithm of [`A${bits}CBC`, `A${bits}CBCPAD`] as const) {
        const cbc = await cryptography.encrypt({ algorithm, plaintext, iv: randomBytes(16) });
        assert.ok(cbc.iv);
        const back = await cryptography.decrypt({ algorithm, ciphertext: cbc.result, iv: cbc.iv });
        assert.deepEqual(Buffer.from(back.result), plaintext);
      }

      const wrapped = await cryptography.wrapKey(`A${bits}KW`, plaintext);
      const unwrapped = await cryptography.unwrapKey(`A${bits}KW`, wrapped.result);
      assert.deepEqual(Buffer.from(unwrapped.result), plaintext);
    });
  }
});

describe('HMAC', () => {
  for (const [algorithm, keySize, hash] of [
    ['HS256', 128, 'sha256'],
    ['HS384', 192, 'sha384'],
    ['HS512', 256, 'sha512'],
  ] as const) {
    test(`${algorithm} signs and verifies with an AES key of ${keySize} bits`, async () => {
      const options = { keySize, hsm: true, keyOps: ['sign', 'verify'] };
      const cryptography = cryptographyClient(await client.createOctKey(`hmac-${keySize}`, options));
      const { result } = await cryptography.sign(algorithm, digest(hash));
      assert.equal((await cryptography.verify(algorithm, digest(hash), result)).result, true);
      assert.equal((await cryptography.verify(algorithm, digest(hash), randomBytes(result.length))).result, false);
    });
  }
});

test('a client made of a key id without version uses the newest', async () => {
  await client.createEcKey('by-id', { curve: 'P-256' });
  const { id } = await client.createEcKey('by-id', { curve: 'P-256' });
  const { keyID } = await cryptographyClient(`${client.vaultUrl}/keys/by-id`).sign('ES256', digest('sha256'));
  assert.equal(keyID, id);
  const { result } = await client.getCryptographyClient('by-id').sign('ES256', digest('sha256'));
  assert.equal(result.length, 64);
});

test('what the key may not do is refused with the words of the service', async () => {
  const key = await client.createEcKey('verify-only', { curve: 'P-256', keyOps: ['verify'] });
  await assert.rejects(cryptographyClient(key.id ?? '').sign('ES256', digest('sha256')));
  const cryptography = cryptographyClient(await client.createEcKey('p256', { curve: 'P-256' }));
  await assert.rejects(cryptography.sign('ES256', digest('sha512')), { statusCode: 400, code: 'BadParameter' });
});

function publicKeyOf({ key }: KeyVaultKey) {
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64url');
  const jwk: JsonWebKeyInput['key'] =
    key?.kty === 'RSA-HSM'
      ? { kty: 'RSA', n: text(key.n), e: text(key.e) }
      : { kty: 'EC', crv: key?.crv === 'P-256K' ? 'secp256k1' : (key?.crv ?? ''), x: text(key?.x), y: text(key?.y) };
  return createPublicKey({ key: jwk, format: 'jwk' });
}
