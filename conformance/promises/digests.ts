/** Digests, encryption, random numbers (sections 5.8 to 5.10, and 5.15). */

import { constants, createHash, publicEncrypt } from 'node:crypto';
import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import type { Mechanism } from '../../lib/wire/schema.ts';
import { bare, equal, holds, ROOM } from '../client.ts';
import { HASHES, importedKey, oaepParameter, privateKey, publicKey, rsaKey } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { hashingSchemes } from '../signature-schemes.ts';

const anyHash = fc.constantFrom(...HASHES);
const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 150 }), { maxLength: 6 });

interface Cipher {
  mechanism: Mechanism;
  padding: number;
  hash?: string;
  /** Bytes that fit a key of 2048 bits. */
  most: number;
}
const { RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING: OAEP } = constants;
const SHA1_OAEP = oaepParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1);
const PKCS1: Cipher = { mechanism: bare(ck.CKM_RSA_PKCS), padding: RSA_PKCS1_PADDING, most: 245 };
const OAEP_SHA1: Cipher = {
  mechanism: { type: ck.CKM_RSA_PKCS_OAEP, parameter: SHA1_OAEP },
  padding: OAEP,
  hash: 'sha1',
  most: 214,
};
const ciphers = fc.constantFrom(PKCS1, OAEP_SHA1);
const plain = fc.record({ cipher: ciphers, data: fc.uint8Array({ minLength: 1, maxLength: 214 }) });

export const digestPromises: readonly Promised[] = [
  promiseOf({
    id: 'digest-empty-message',
    title: 'The empty message has a digest, in one part and in none',
    spec: 'docs: mechanisms; 5.10 C_Digest',
    by: 'ours',
    given: anyHash,
    check: async (client, hash) => {
      const session = await client.open();
      const promised = createHash(hash.name).digest();
      equal(await client.digest(session, bare(hash.digest), new Uint8Array(0)), promised, 'the digest');
    },
  }),
  promiseOf({
    id: 'digest-value',
    title: 'A digest is what another implementation computes',
    spec: '5.10 C_Digest; 2.20 to 2.22 of the mechanisms',
    by: 'standard',
    given: fc.record({ hash: anyHash, text: message }),
    check: async (client, { hash, text }) => {
      const session = await client.open();
      const digest = await client.digest(session, bare(hash.digest), text);
      equal(digest, createHash(hash.name).update(text).digest(), 'the digest');
    },
  }),
  promiseOf({
    id: 'digest-in-parts',
    title: 'Cut into parts, or with no part at all, a message has the digest that it has as a whole',
    spec: '5.10 C_DigestUpdate, C_DigestFinal',
    by: 'standard',
    given: fc.record({ hash: anyHash, texts: parts }),
    check: async (client, { hash, texts }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      for (const part of texts) await client.ok('digestUpdate', { session, part });
      const { digest } = await client.ok('digestFinal', { session, digest: ROOM });
      equal(digest.bytes, createHash(hash.name).update(Buffer.concat(texts)).digest(), 'the digest');
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digestFinal', { session, digest: ROOM });
    },
  }),
  promiseOf({
    id: 'digest-buffer-too-small',
    title: 'A buffer too small for the digest is CKR_BUFFER_TOO_SMALL and keeps the operation',
    spec: '5.2; 5.10 C_Digest, C_DigestFinal',
    by: 'standard',
    given: fc.record({ hash: anyHash, text: message, room: fc.integer({ min: 1, max: 31 }) }),
    check: async (client, { hash, text, room }) => {
      const session = await client.open();
      const promised = createHash(hash.name).update(text).digest();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'digest', { session, data: text, digest: room });
      equal((await client.ok('digest', { session, data: text, digest: ROOM })).digest.bytes, promised, 'the digest');
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.ok('digestUpdate', { session, part: text });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'digestFinal', { session, digest: room });
      equal((await client.ok('digestFinal', { session, digest: ROOM })).digest.bytes, promised, 'the digest in parts');
    },
  }),
  promiseOf({
    id: 'digest-length',
    title: 'NULL for the digest asks for its length and keeps the operation',
    spec: '5.2; 5.10 C_Digest',
    by: 'standard',
    needs: 'lengths',
    given: fc.record({ hash: anyHash, text: message }),
    check: async (client, { hash, text }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      const { digest } = await client.ok('digest', { session, data: text, digest: null });
      equal(digest.length, hash.bytes, 'the length');
      await client.ok('digest', { session, data: text, digest: hash.bytes });
    },
  }),
  promiseOf({
    id: 'digest-states',
    title:
      'One digest a session: a second start is CKR_OPERATION_ACTIVE, and without one CKR_OPERATION_NOT_INITIALIZED',
    spec: '5.10 C_DigestInit',
    by: 'standard',
    given: fc.record({ hash: anyHash, text: message }),
    check: async (client, { hash, text }) => {
      const session = await client.open();
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      const mechanism = bare(hash.digest);
      await client.gives(none, 'digest', { session, data: text, digest: ROOM });
      await client.gives(none, 'digestUpdate', { session, part: text });
      await client.ok('digestInit', { session, mechanism });
      await client.gives(ck.CKR_OPERATION_ACTIVE, 'digestInit', { session, mechanism });
      await client.ok('digest', { session, data: text, digest: ROOM });
      await client.gives(none, 'digest', { session, data: text, digest: ROOM });
    },
  }),
  promiseOf({
    id: 'digest-needs-no-login',
    title: 'A digest goes on over login and begins before one',
    spec: 'Usage Guide: session events; 5.10',
    by: 'ours',
    given: fc.record({ hash: anyHash, text: message }),
    check: async (client, { hash, text }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.ok('digestUpdate', { session, part: text });
      await client.login(session);
      const { digest } = await client.ok('digestFinal', { session, digest: ROOM });
      equal(digest.bytes, createHash(hash.name).update(text).digest(), 'the digest');
    },
  }),
  promiseOf({
    id: 'operations-of-each-kind',
    title: 'A digest, a signature and a verification go on side by side in one session',
    spec: 'docs: operations; Usage Guide: object access by sessions leaves it to the token',
    by: 'ours',
    given: fc.record({
      hash: anyHash,
      scheme: fc.constantFrom(...hashingSchemes),
      text: message,
      order: fc.nat({ max: 5 }),
    }),
    check: async (client, { hash, scheme, text, order }) => {
      const session = await client.enter();
      const [signing, verifying] = [
        await privateKey(client, session, scheme.key),
        await publicKey(client, session, scheme.key),
      ];
      const good = await client.sign(session, scheme.mechanism, signing, text);
      const starts = [
        () => client.ok('digestInit', { session, mechanism: bare(hash.digest) }),
        () => client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing }),
        () => client.ok('verifyInit', { session, mechanism: scheme.mechanism, key: verifying }),
      ];
      for (let i = 0; i < starts.length; i++) await starts[(i * (1 + (order % 2)) + order) % 3]?.();
      await client.ok('signUpdate', { session, part: text });
      await client.ok('digestUpdate', { session, part: text });
      await client.ok('verifyUpdate', { session, part: text });
      await client.ok('verifyFinal', { session, signature: good });
      const { digest } = await client.ok('digestFinal', { session, digest: ROOM });
      equal(digest.bytes, createHash(hash.name).update(text).digest(), 'the digest');
      const { signature } = await client.ok('signFinal', { session, signature: ROOM });
      equal(
        await client.verify(session, scheme.mechanism, verifying, text, signature.bytes ?? good),
        ck.CKR_OK,
        'the code',
      );
    },
  }),
  promiseOf({
    id: 'decrypts-what-was-encrypted',
    title: 'C_Decrypt gives back what C_Encrypt was given',
    spec: '5.8 C_Encrypt; 5.9 C_Decrypt; 2.1.6 and 2.1.8 of the mechanisms',
    by: 'standard',
    given: plain,
    check: async (client, { cipher, data }) => {
      const session = await client.enter();
      const { mechanism } = cipher;
      await client.ok('encryptInit', { session, mechanism, key: await publicKey(client, session, rsaKey) });
      const { encrypted } = await client.ok('encrypt', { session, data, encrypted: ROOM });
      await client.ok('decryptInit', { session, mechanism, key: await privateKey(client, session, rsaKey) });
      const request = { session, encrypted: encrypted.bytes ?? data, data: ROOM };
      equal((await client.ok('decrypt', request)).data.bytes, data, 'the plaintext');
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'decrypt', request);
    },
  }),
  promiseOf({
    id: 'decrypts-from-elsewhere',
    title: 'C_Decrypt reads what another implementation encrypted',
    spec: '5.9 C_Decrypt; 2.1.6 and 2.1.8 of the mechanisms',
    by: 'standard',
    given: plain,
    check: async (client, { cipher, data }) => {
      const session = await client.enter();
      const { mechanism, padding, hash } = cipher;
      const key = await importedKey(client, session, await publicKey(client, session, rsaKey), rsaKey);
      const encrypted = publicEncrypt({ key, padding, ...(hash === undefined ? {} : { oaepHash: hash }) }, data);
      await client.ok('decryptInit', { session, mechanism, key: await privateKey(client, session, rsaKey) });
      equal((await client.ok('decrypt', { session, encrypted, data: ROOM })).data.bytes, data, 'the plaintext');
    },
  }),
  promiseOf({
    id: 'encrypt-data-length',
    title: 'Data too long for the key is CKR_DATA_LEN_RANGE',
    spec: '5.8 C_Encrypt; 2.1.6 and 2.1.8 of the mechanisms',
    by: 'standard',
    given: fc.record({ cipher: ciphers, more: fc.integer({ min: 1, max: 100 }) }),
    check: async (client, { cipher: { mechanism, most }, more }) => {
      const session = await client.enter();
      const key = await publicKey(client, session, rsaKey);
      await client.ok('encryptInit', { session, mechanism, key });
      const data = new Uint8Array(most + more);
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'encrypt', { session, data, encrypted: ROOM });
    },
  }),
  promiseOf({
    id: 'decrypt-data-length',
    title: 'A ciphertext that is not as long as the key is CKR_ENCRYPTED_DATA_LEN_RANGE and ends the operation',
    spec: '5.9 C_Decrypt',
    by: 'standard',
    given: fc.record({ cipher: ciphers, length: fc.integer({ min: 1, max: 400 }).filter((length) => length !== 256) }),
    check: async (client, { cipher: { mechanism }, length }) => {
      const session = await client.enter();
      await client.ok('decryptInit', { session, mechanism, key: await privateKey(client, session, rsaKey) });
      const request = { session, encrypted: new Uint8Array(length).fill(1), data: ROOM };
      await client.gives(ck.CKR_ENCRYPTED_DATA_LEN_RANGE, 'decrypt', request);
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'decrypt', request);
    },
  }),
  promiseOf({
    id: 'random-length',
    title: 'C_GenerateRandom gives as many bytes as asked for, and others the next time',
    spec: '5.15 C_GenerateRandom',
    by: 'standard',
    given: fc.integer({ min: 16, max: 200 }),
    check: async (client, length) => {
      const session = await client.enter();
      const first = (await client.ok('generateRandom', { session, length })).bytes;
      const second = (await client.ok('generateRandom', { session, length })).bytes;
      equal([first.length, second.length], [length, length], 'the lengths');
      holds(!Buffer.from(first).equals(second), 'the same bytes came twice');
    },
  }),
  promise({
    id: 'random-seed',
    title: 'The HSM takes no seed: CKR_RANDOM_SEED_NOT_SUPPORTED',
    spec: '5.15 C_SeedRandom',
    by: 'ours',
    check: async (client) => {
      const session = await client.open();
      await client.gives(ck.CKR_RANDOM_SEED_NOT_SUPPORTED, 'seedRandom', { session, seed: Uint8Array.of(1) });
    },
  }),
  promise({
    id: 'random-before-login',
    title: 'Random bytes come before a login too: callers ask for them to seed their own generator',
    spec: 'docs: C_GenerateRandom',
    by: 'ours',
    check: async (client) => {
      const session = await client.open();
      equal((await client.ok('generateRandom', { session, length: 24 })).bytes.length, 24, 'the length');
    },
  }),
  promiseOf({
    id: 'digest-whole-after-parts',
    title: 'C_Digest does not finish what C_DigestUpdate began: the operation ends',
    spec: '5.10 C_Digest',
    by: 'ours',
    given: fc.record({ hash: anyHash, text: message }),
    check: async (client, { hash, text }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.ok('digestUpdate', { session, part: text });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digest', { session, data: text, digest: ROOM });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digestFinal', { session, digest: ROOM });
    },
  }),
  promiseOf({
    id: 'decrypt-buffer-too-small',
    title: 'A buffer too small for the plaintext is CKR_BUFFER_TOO_SMALL and keeps the operation',
    spec: '5.2; 5.9 C_Decrypt',
    by: 'ours',
    given: fc.record({ cipher: ciphers, data: fc.uint8Array({ minLength: 2, maxLength: 214 }), room: fc.nat() }),
    check: async (client, { cipher: { mechanism }, data, room }) => {
      const session = await client.enter();
      await client.ok('encryptInit', { session, mechanism, key: await publicKey(client, session, rsaKey) });
      const { encrypted } = await client.ok('encrypt', { session, data, encrypted: ROOM });
      await client.ok('decryptInit', { session, mechanism, key: await privateKey(client, session, rsaKey) });
      const request = { session, encrypted: encrypted.bytes ?? data };
      const tooSmall = 1 + (room % (data.length - 1));
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'decrypt', { ...request, data: tooSmall });
      const { data: output } = await client.ok('decrypt', { ...request, data: data.length });
      equal(output.bytes, data, 'the plaintext');
    },
  }),
];
