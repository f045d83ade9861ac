/** Encryption and decryption (sections 5.8 and 5.9). */

import { constants, publicEncrypt } from 'node:crypto';
import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import type { Mechanism } from '../../lib/wire/schema.ts';
import { bare, equal, ROOM } from '../client.ts';
import { importedKey, oaepParameter, privateKey, publicKey, rsaKey } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';

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

export const encryptionPromises: readonly Promised[] = [
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
