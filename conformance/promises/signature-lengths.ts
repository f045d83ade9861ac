/** Lengths of signatures and of what is signed (sections 5.2, 5.11 and 5.12). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, equal, ROOM } from '../client.ts';
import { HASHES, pssParameter, rsaKey } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { anyScheme, message, Pair } from './pair.ts';

export const signatureLengthPromises: readonly Promised[] = [
  promiseOf({
    id: 'sign-length',
    title: 'NULL for the signature asks for its length and keeps the operation',
    spec: '5.2; 5.11 C_Sign',
    by: 'standard',
    needs: 'lengths',
    given: fc.record({ scheme: anyScheme, text: message, times: fc.integer({ min: 1, max: 3 }) }),
    check: async (client, { scheme, text, times }) => {
      const pair = await Pair.of(client, scheme);
      const { session } = pair;
      const data = scheme.input(text);
      await pair.begin('signInit');
      for (let i = 0; i < times; i++) {
        const { signature } = await client.ok('sign', { session, data, signature: null });
        equal(signature.length, scheme.key.signatureBytes, 'the length');
      }
      await client.ok('sign', { session, data, signature: scheme.key.signatureBytes });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'sign', { session, data, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-buffer-too-small',
    title: 'A buffer too small for the signature is CKR_BUFFER_TOO_SMALL and keeps the operation',
    spec: '5.2; 5.11 C_Sign, C_SignFinal',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, room: fc.integer({ min: 1, max: 63 }) }),
    check: async (client, { scheme, text, room }) => {
      const pair = await Pair.of(client, scheme);
      const { session } = pair;
      const data = scheme.input(text);
      await pair.begin('signInit');
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'sign', { session, data, signature: room });
      const { signature } = await client.ok('sign', { session, data, signature: ROOM });
      await pair.verifies(data, signature.bytes ?? new Uint8Array(0));
      if (!scheme.hashes) return;
      await pair.begin('signInit');
      await client.ok('signUpdate', { session, part: data });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'signFinal', { session, signature: room });
      await client.ok('signFinal', { session, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-data-length',
    title: 'Data too long for the key, or not as long as the hash, is CKR_DATA_LEN_RANGE and ends the operation',
    spec: '5.11 C_Sign; 2.1.6 and 2.1.10 of the mechanisms',
    by: 'standard',
    given: fc.oneof(
      fc.record({ mechanism: fc.constant(bare(ck.CKM_RSA_PKCS)), length: fc.integer({ min: 246, max: 300 }) }),
      fc.record({
        mechanism: fc.constant({ type: ck.CKM_RSA_PKCS_PSS, parameter: pssParameter(HASHES[0]) }),
        length: fc.integer({ min: 1, max: 200 }).filter((length) => length !== 32),
      }),
    ),
    check: async (client, { mechanism, length }) => {
      const pair = await Pair.of(client, { key: rsaKey, mechanism });
      const { session } = pair;
      const data = new Uint8Array(length).fill(3);
      await pair.begin('signInit');
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'sign', { session, data, signature: ROOM });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'sign', { session, data, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-longest-payload',
    title: 'The padding of CKM_RSA_PKCS takes 11 bytes: a payload of the rest is signed, and one byte more is not',
    spec: '2.1.6 of the mechanisms',
    by: 'ours',
    given: fc.integer({ min: 1, max: 255 }),
    check: async (client, byte) => {
      const pair = await Pair.of(client, { key: rsaKey, mechanism: bare(ck.CKM_RSA_PKCS) });
      const longest = new Uint8Array(256 - 11).fill(byte);
      const signature = await pair.sign(longest);
      await pair.verifies(longest, signature);
      const data = new Uint8Array(256 - 10).fill(byte);
      await pair.begin('signInit');
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'sign', { session: pair.session, data, signature: ROOM });
      await pair.verifies(data, signature, ck.CKR_DATA_LEN_RANGE);
    },
  }),
  promiseOf({
    id: 'verify-wrong-length',
    title: 'A signature of another length is CKR_SIGNATURE_LEN_RANGE',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, length: fc.integer({ min: 1, max: 300 }) }),
    check: async (client, { scheme, text, length }) => {
      const pair = await Pair.of(client, scheme);
      const wrong = length === scheme.key.signatureBytes ? length + 1 : length;
      const signature = new Uint8Array(wrong).fill(7);
      await pair.verifies(scheme.input(text), signature, ck.CKR_SIGNATURE_LEN_RANGE);
    },
  }),
];
