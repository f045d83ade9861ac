/** Objects as a whole: handles, sizes, and what both halves of a key pair show (section 5.7). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { equal, holds, labelIs, ROOM } from '../client.ts';
import { importedKey, p256Key, privateKey, publicKey, rsaKey, testKeys } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { anyKey } from './key-objects.ts';

const unknownObject = fc.integer({ min: 0x4000_0000, max: 0x7fff_ffff });

export const objectPromises: readonly Promised[] = [
  promiseOf({
    id: 'logout-voids-private-handles',
    title: 'After a logout the handle of a private object reads nothing',
    spec: '5.6 C_Logout',
    by: 'standard',
    given: anyKey,
    check: async (client, key) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      await client.ok('logout', { session });
      const queries = [{ type: ck.CKA_LABEL, capacity: ROOM }];
      const codes = [ck.CKR_OBJECT_HANDLE_INVALID, ck.CKR_USER_NOT_LOGGED_IN];
      await client.gives(codes, 'getAttributeValue', { session, object, queries });
    },
  }),
  promiseOf({
    id: 'object-unknown',
    title: 'A handle that no object has is CKR_OBJECT_HANDLE_INVALID',
    spec: '5.1.6; 5.7',
    by: 'standard',
    given: unknownObject,
    check: async (client, object) => {
      const session = await client.enter();
      const invalid = ck.CKR_OBJECT_HANDLE_INVALID;
      const queries = [{ type: ck.CKA_LABEL, capacity: ROOM }];
      await client.gives(invalid, 'getAttributeValue', { session, object, queries });
      await client.gives(invalid, 'getObjectSize', { session, object });
      await client.gives(invalid, 'setAttributeValue', { session, object, template: [labelIs('x')] });
      await client.gives(invalid, 'copyObject', { session, object, template: [] });
      await client.gives(invalid, 'destroyObject', { session, object });
    },
  }),
  promise({
    id: 'public-material',
    title: 'The public key is a key: modulus and exponent, or curve and point, make one that node:crypto takes',
    spec: '2.1.2 and 2.3.3 of the mechanisms (CKA_MODULUS, CKA_EC_POINT)',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter();
      for (const key of testKeys) {
        const imported = await importedKey(client, session, await publicKey(client, session, key), key);
        equal(imported.asymmetricKeyType, key.keyType === ck.CKK_RSA ? 'rsa' : 'ec', 'the type');
      }
    },
  }),
  promise({
    id: 'halves-belong-together',
    title: 'Both halves of a pair have one CKA_ID, and the RSA private key carries modulus and exponent',
    spec: '4.9 and 2.1.3 of the mechanisms',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter();
      for (const key of testKeys) {
        const [mine, yours] = [await privateKey(client, session, key), await publicKey(client, session, key)];
        const shared = [
          ck.CKA_ID,
          ck.CKA_KEY_TYPE,
          ...(key === rsaKey ? [ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT] : []),
        ];
        for (const type of shared) {
          equal(
            await client.get(session, mine, type),
            await client.get(session, yours, type),
            'an attribute of the private key',
          );
        }
      }
    },
  }),
  promise({
    id: 'private-keys-carry-the-point',
    title: 'EC private keys carry CKA_EC_POINT, where many callers look for it',
    spec: 'docs: attributes of key objects',
    by: 'ours',
    check: async (client) => {
      const session = await client.enter();
      const [mine, yours] = [await privateKey(client, session, p256Key), await publicKey(client, session, p256Key)];
      const point = await client.get(session, yours, ck.CKA_EC_POINT);
      equal(await client.get(session, mine, ck.CKA_EC_POINT), point, 'the point');
    },
  }),
  promise({
    id: 'object-size',
    title: 'C_GetObjectSize knows a size, or says that it is not available',
    spec: '5.7 C_GetObjectSize',
    by: 'standard',
    needs: 'lengths',
    check: async (client) => {
      const session = await client.enter();
      const object = await privateKey(client, session, rsaKey);
      const { size } = await client.ok('getObjectSize', { session, object });
      holds(size > 0, 'the size is 0');
    },
  }),
];
