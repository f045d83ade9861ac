/** Data on both sides of what a frame holds: the module sends more than that in parts, and no caller may see it. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { MAX_FRAME_BYTES } from '../../lib/wire/schema.ts';
import { bare, holds, ROOM } from '../client.ts';
import { importedKey, rsaKey } from '../keys.ts';
import { longBytes } from '../literal.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { hashingScheme, Pair } from './pair.ts';

/** The module's limit for the data of one call (MARSHAL_MAX_DATA). */
const ONE_CALL = MAX_FRAME_BYTES / 2;
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: ONE_CALL - 1, max: ONE_CALL + 2 }),
  fc.integer({ min: ONE_CALL + 1, max: 2 * ONE_CALL + 100 }),
);
const given = fc.record({ scheme: hashingScheme, length: lengths });
/** Longer than any key takes, on either side of a frame. */
const tooLong = lengths.map((length) => Math.max(length, 246));
const cost = 2;

export const longDataPromises: readonly Promised[] = [
  promiseOf({
    id: 'sign-long-message',
    title: 'A message of any length is signed and verified at once',
    spec: '5.11 C_Sign; 5.12 C_Verify',
    by: 'standard',
    cost,
    given,
    check: async (client, { scheme, length }) => {
      const pair = await Pair.of(client, scheme);
      const data = longBytes(length);
      const signature = await pair.sign(data);
      const imported = await importedKey(client, pair.session, pair.verifying, scheme.key);
      holds(scheme.verifies(imported, data, signature), `node:crypto refuses ${scheme.name}`);
      await pair.verifies(data, signature);
      data[length - 1] = 1 ^ (data[length - 1] ?? 0);
      await pair.verifies(data, signature, ck.CKR_SIGNATURE_INVALID);
    },
  }),
  promiseOf({
    id: 'verify-long-message-wrong-length',
    title: 'A signature of another length is CKR_SIGNATURE_LEN_RANGE, however long the message',
    spec: '5.12 C_Verify',
    by: 'standard',
    cost,
    given,
    check: async (client, { scheme, length }) => {
      const pair = await Pair.of(client, scheme);
      const signature = new Uint8Array(scheme.key.signatureBytes + 1).fill(7);
      await pair.verifies(longBytes(length), signature, ck.CKR_SIGNATURE_LEN_RANGE);
    },
  }),
  promiseOf({
    id: 'sign-whole-after-part',
    title: 'C_Sign and C_Verify after a part are CKR_OPERATION_NOT_INITIALIZED, however long the data',
    spec: '5.11 C_Sign; 5.12 C_Verify',
    by: 'standard',
    cost,
    given,
    check: async (client, { scheme, length }) => {
      const pair = await Pair.of(client, scheme);
      const { session } = pair;
      const [part, data, none] = [longBytes(5), longBytes(length), ck.CKR_OPERATION_NOT_INITIALIZED];
      await pair.begin('signInit');
      await client.ok('signUpdate', { session, part });
      await client.gives(none, 'sign', { session, data, signature: ROOM });
      const signature = await pair.sign(Buffer.concat([part, data]));
      await pair.begin('verifyInit');
      await client.ok('verifyUpdate', { session, part });
      await client.gives(none, 'verify', { session, data, signature });
    },
  }),
  promiseOf({
    id: 'digest-whole-after-part',
    title: 'C_Digest after a part is CKR_OPERATION_NOT_INITIALIZED, however long the data',
    spec: '5.10 C_Digest',
    by: 'ours',
    cost,
    given: lengths,
    check: async (client, length) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(ck.CKM_SHA256) });
      await client.ok('digestUpdate', { session, part: longBytes(5) });
      const request = { session, data: longBytes(length), digest: ROOM };
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digest', request);
    },
  }),
  promiseOf({
    id: 'sign-data-beyond-key',
    title: 'CKM_RSA_PKCS over more than the key takes is CKR_DATA_LEN_RANGE, however much, and ends the operation',
    spec: '5.11 C_Sign; 5.12 C_Verify; 2.1.6 of the mechanisms',
    by: 'ours',
    cost,
    given: tooLong,
    check: async (client, length) => {
      const pair = await Pair.of(client, { key: rsaKey, mechanism: bare(ck.CKM_RSA_PKCS) });
      const { session } = pair;
      const [data, signature] = [longBytes(length), new Uint8Array(rsaKey.signatureBytes)];
      await pair.begin('signInit');
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'sign', { session, data, signature: ROOM });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'sign', { session, data, signature: ROOM });
      await pair.begin('verifyInit');
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'verify', { session, data, signature });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'verify', { session, data, signature });
    },
  }),
];
