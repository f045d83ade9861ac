/** Reading attributes of objects (section 5.7). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { ofText } from '../../lib/tags/values.ts';
import { equal, holds, ROOM } from '../client.ts';
import { privateKey, type TestKey } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { anyKey, someAttributes } from './key-objects.ts';

const SECRETS = new Map([
  [
    ck.CKK_RSA,
    [ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1, ck.CKA_PRIME_2, ck.CKA_EXPONENT_1, ck.CKA_EXPONENT_2, ck.CKA_COEFFICIENT],
  ],
  [ck.CKK_EC, [ck.CKA_VALUE]],
]);
const secretOf = (key: TestKey) => SECRETS.get(key.keyType) ?? [];

export const attributePromises: readonly Promised[] = [
  promiseOf({
    id: 'attribute-sensitive',
    title: 'The secret half is CKR_ATTRIBUTE_SENSITIVE',
    spec: '5.7 C_GetAttributeValue',
    by: 'standard',
    given: anyKey,
    check: async (client, key) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      for (const type of secretOf(key)) {
        const queries = [{ type, capacity: ROOM }];
        await client.gives(ck.CKR_ATTRIBUTE_SENSITIVE, 'getAttributeValue', { session, object, queries });
      }
    },
  }),
  promiseOf({
    id: 'attribute-type-invalid',
    title: 'An attribute that the object does not have is CKR_ATTRIBUTE_TYPE_INVALID',
    spec: '5.7 C_GetAttributeValue',
    by: 'standard',
    given: fc.tuple(
      anyKey,
      fc.oneof(fc.constant(ck.CKA_CERTIFICATE_TYPE), fc.integer({ min: 0x7000_0000, max: 0x7fff_ffff })),
    ),
    check: async (client, [key, type]) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const queries = [{ type, capacity: ROOM }];
      await client.gives(ck.CKR_ATTRIBUTE_TYPE_INVALID, 'getAttributeValue', { session, object, queries });
    },
  }),
  promiseOf({
    id: 'attribute-rest-is-filled',
    title: 'Where one attribute cannot be read, its length says so, and the rest of the template is filled',
    spec: '5.7 C_GetAttributeValue',
    by: 'standard',
    needs: 'lengths',
    given: anyKey.chain((key) =>
      fc.record({
        key: fc.constant(key),
        types: fc.array(fc.constantFrom(...secretOf(key), ck.CKA_LABEL, ck.CKA_ID, ck.CKA_CERTIFICATE_TYPE), {
          maxLength: 8,
        }),
      }),
    ),
    check: async (client, { key, types }) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const readable = new Map([
        [ck.CKA_LABEL, ofText(key.label)],
        [ck.CKA_ID, key.id],
      ]);
      const queries = types.map((type) => ({ type, capacity: ROOM }));
      const codes = new Set([
        ...types.filter((type) => secretOf(key).includes(type)).map(() => ck.CKR_ATTRIBUTE_SENSITIVE),
        ...types.filter((type) => type === ck.CKA_CERTIFICATE_TYPE).map(() => ck.CKR_ATTRIBUTE_TYPE_INVALID),
      ]);
      const { rv, values } = await client.call('getAttributeValue', { session, object, queries });
      holds(codes.size === 0 ? rv === ck.CKR_OK : codes.has(rv), `the code is 0x${rv.toString(16)}`);
      for (const [i, type] of types.entries()) {
        const value = readable.get(type);
        equal(values?.results[i]?.length, value?.length ?? ck.CK_UNAVAILABLE_INFORMATION, 'a length');
        if (value !== undefined) equal(values?.results[i]?.bytes, value, 'a value');
      }
    },
  }),
  promiseOf({
    id: 'attribute-length',
    title: 'NULL for a value asks for its length, which is the length of the value',
    spec: '5.7 C_GetAttributeValue',
    by: 'standard',
    needs: 'lengths',
    given: someAttributes,
    check: async (client, { key, template }) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const queries = template.map(({ type }) => ({ type, capacity: null }));
      const { results } = await client.ok('getAttributeValue', { session, object, queries });
      equal(
        results.map(({ length }) => length),
        template.map(({ value }) => value?.length),
        'the lengths',
      );
    },
  }),
  promiseOf({
    id: 'attribute-buffer-too-small',
    title: 'A buffer too small is CKR_BUFFER_TOO_SMALL, its length unavailable, and the rest is filled',
    spec: '5.7 C_GetAttributeValue',
    by: 'standard',
    needs: 'lengths',
    given: fc.tuple(anyKey, fc.nat({ max: 13 })),
    check: async (client, [key, capacity]) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const queries = [
        { type: ck.CKA_LABEL, capacity },
        { type: ck.CKA_ID, capacity: ROOM },
      ];
      const { rv, values } = await client.call('getAttributeValue', { session, object, queries });
      equal(rv, ck.CKR_BUFFER_TOO_SMALL, 'the code');
      equal(values?.results[0]?.length, ck.CK_UNAVAILABLE_INFORMATION, 'the length of what did not fit');
      equal(values?.results[1]?.bytes, key.id, 'the other attribute');
    },
  }),
  promiseOf({
    id: 'attribute-exact-buffer',
    title: 'A buffer of exactly the length is enough',
    spec: '5.7 C_GetAttributeValue',
    by: 'ours',
    needs: 'lengths',
    given: anyKey,
    check: async (client, key) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const queries = [{ type: ck.CKA_ID, capacity: key.id.length }];
      const { results } = await client.ok('getAttributeValue', { session, object, queries });
      equal(results[0]?.bytes, key.id, 'the value');
    },
  }),
];
