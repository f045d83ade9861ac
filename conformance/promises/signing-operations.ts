/** Operations of signing (section 5.11): what begins, goes on and ends them. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { ROOM } from '../client.ts';
import { privateKey } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { signatureSchemes } from '../signature-schemes.ts';
import { anyMessage, anyScheme, hashingScheme, message, Pair } from './pair.ts';

export const signingOperationPromises: readonly Promised[] = [
  promiseOf({
    id: 'sign-ends',
    title: 'A signature ends the operation',
    spec: '5.11 C_Sign, C_SignFinal',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const pair = await Pair.of(client, scheme);
      const { session } = pair;
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      const data = scheme.input(text);
      await client.gives(none, 'sign', { session, data, signature: ROOM });
      await client.gives(none, 'signFinal', { session, signature: ROOM });
      await pair.sign(data);
      await client.gives(none, 'sign', { session, data, signature: ROOM });
      await client.gives(none, 'signUpdate', { session, part: Uint8Array.of(1) });
      await client.gives(none, 'signFinal', { session, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-starts-anew',
    title: 'C_SignInit replaces a signature that was begun: web servers never clean up',
    spec: 'docs: C_SignInit; 5.11 C_SignInit would have it CKR_OPERATION_ACTIVE',
    by: 'ours',
    given: fc.record({ first: hashingScheme, text: message, second: anyScheme, left: fc.uint8Array({ minLength: 1 }) }),
    check: async (client, { first, second, text, left }) => {
      const pair = await Pair.of(client, second);
      const key = await privateKey(client, pair.session, first.key);
      await client.ok('signInit', { session: pair.session, mechanism: first.mechanism, key });
      await client.ok('signUpdate', { session: pair.session, part: left });
      const data = second.input(text);
      await pair.verifies(data, await pair.sign(data));
    },
  }),
  promiseOf({
    id: 'logout-ends-signature',
    title: 'A logout ends a signature that was begun',
    spec: '5.6 C_Logout',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const pair = await Pair.of(client, scheme);
      await pair.begin('signInit');
      await client.ok('logout', { session: pair.session });
      const codes = [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_USER_NOT_LOGGED_IN];
      await client.gives(codes, 'sign', { session: pair.session, data: scheme.input(text), signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-one-part-mechanisms',
    title: 'A mechanism that does not hash takes no parts',
    spec: '5.11 C_SignUpdate; the table of section 2 of the mechanisms',
    by: 'standard',
    given: fc.constantFrom(...signatureSchemes.filter(({ hashes }) => !hashes)),
    check: async (client, scheme) => {
      const pair = await Pair.of(client, scheme);
      await pair.begin('signInit');
      const codes = [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_FUNCTION_NOT_SUPPORTED, ck.CKR_FUNCTION_FAILED];
      await client.gives(codes, 'signUpdate', { session: pair.session, part: Uint8Array.of(1) });
    },
  }),
  promiseOf({
    id: 'sign-whole-after-parts',
    title: 'C_Sign and C_Verify do not finish what a part began: the operation ends',
    spec: '5.11 C_Sign; 5.12 C_Verify',
    by: 'ours',
    given: fc.record({ scheme: hashingScheme, text: message }),
    check: async (client, { scheme, text }) => {
      const pair = await Pair.of(client, scheme);
      const { session } = pair;
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      await pair.begin('signInit');
      await client.ok('signUpdate', { session, part: text });
      await client.gives(none, 'sign', { session, data: text, signature: ROOM });
      await client.gives(none, 'signFinal', { session, signature: ROOM });
      const signature = new Uint8Array(scheme.key.signatureBytes);
      await pair.begin('verifyInit');
      await client.ok('verifyUpdate', { session, part: text });
      await client.gives(none, 'verify', { session, data: text, signature });
      await client.gives(none, 'verifyFinal', { session, signature });
    },
  }),
];
