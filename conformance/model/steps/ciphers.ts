/** Encryption and decryption (5.8 and 5.9). */

import * as ck from '../../../lib/pkcs11/constants.ts';
import { equal } from '../../client.ts';
import { rsaKey } from '../../keys.ts';
import type { Cipher } from '../ciphers.ts';
import { capacityOf, checkLength, codeOfOutput, isGiven, type Room } from '../output.ts';
import { codeOf, inSession, where, whereLoggedIn } from '../step.ts';

const { CKR_OK, CKR_OPERATION_NOT_INITIALIZED: NOT_INITIALIZED } = ck;

type Kind = 'encrypting' | 'decrypting';

const start = (kind: Kind) => (which: number, cipher: Cipher) =>
  inSession(
    `begin ${kind} by ${cipher.name}`,
    which,
    whereLoggedIn,
    async ({ model, real, session, handle, client }) => {
      const key = session.token.keys.find((each) => each.kind === rsaKey);
      if (key === undefined) return;
      const object = kind === 'encrypting' ? key.public : key.private;
      const code = codeOf(session, () => model.codeOfKeyedStart(session, kind, object));
      const name = kind === 'encrypting' ? 'encryptInit' : 'decryptInit';
      const request = { mechanism: cipher.mechanism, key: real.object(session.application, object) };
      await client.gives(code, name, { session: handle, ...request });
      if (code === CKR_OK) session.operations[kind] = { cipher, key };
      else if (code !== ck.CKR_OPERATION_ACTIVE) session.operations[kind] = undefined;
    },
  );

export const encryptInit = start('encrypting');
export const decryptInit = start('decrypting');

export const encrypt = (which: number, data: Uint8Array, room: Room) =>
  inSession(
    `encrypt ${data.length} bytes, room: ${room}`,
    which,
    where('encrypting'),
    async ({ session, handle, client }) => {
      const { encrypting } = session.operations;
      const needed = rsaKey.signatureBytes;
      const capacity = capacityOf(room, needed, client.subject);
      const code = codeOf(session, () => (encrypting === undefined ? NOT_INITIALIZED : codeOfOutput(capacity, needed)));
      const { rv, values } = await client.answers(code, 'encrypt', { session: handle, data, encrypted: capacity });
      checkLength(values?.encrypted, capacity, needed);
      if (isGiven(rv, capacity)) session.operations.encrypting = undefined;
    },
  );

/** Refused, and over. */
export const encryptTooMuch = (which: number, more: number) =>
  inSession(
    `encrypt ${more} bytes too many`,
    which,
    where('encrypting'),
    async ({ model, session, handle, client }) => {
      const { encrypting } = session.operations;
      const code = codeOf(session, () => (encrypting === undefined ? NOT_INITIALIZED : model.rules.dataTooLong));
      const data = new Uint8Array((encrypting?.cipher.most ?? 0) + more);
      await client.gives(code, 'encrypt', { session: handle, data, encrypted: rsaKey.signatureBytes });
      session.operations.encrypting = undefined;
    },
  );

/** What another implementation encrypted. `data` has two bytes or more, so that one byte of room is too little. */
export const decrypt = (which: number, data: Uint8Array, room: Room) =>
  inSession(
    `decrypt ${data.length} bytes, room: ${room}`,
    which,
    where('decrypting'),
    async ({ model, real, session, handle, client }) => {
      const { decrypting } = session.operations;
      const publicKey = real.rsaKey(session.token);
      const encrypted =
        decrypting === undefined || publicKey === undefined
          ? new Uint8Array(rsaKey.signatureBytes)
          : decrypting.cipher.encrypt(publicKey, data);
      const needed = model.rules.plaintextFits ? data.length : rsaKey.signatureBytes;
      const capacity = capacityOf(room, needed, client.subject);
      const code = codeOf(session, () => (decrypting === undefined ? NOT_INITIALIZED : codeOfOutput(capacity, needed)));
      const { rv, values } = await client.answers(code, 'decrypt', { session: handle, encrypted, data: capacity });
      if (decrypting === undefined || !isGiven(rv, capacity)) return;
      equal(values?.data.bytes, data, 'the plaintext');
      session.operations.decrypting = undefined;
    },
  );

/** A ciphertext of another length than the key's: refused, and over. */
export const decryptCut = (which: number, length: number) =>
  inSession(
    `decrypt ${length} bytes of a ciphertext`,
    which,
    where('decrypting'),
    async ({ model, session, handle, client }) => {
      const { decrypting } = session.operations;
      const code = codeOf(session, () => (decrypting === undefined ? NOT_INITIALIZED : model.rules.ciphertextLength));
      const request = { session: handle, encrypted: new Uint8Array(length).fill(1), data: rsaKey.signatureBytes };
      await client.gives(code, 'decrypt', request);
      session.operations.decrypting = undefined;
    },
  );
