/** Objects (section 5.7): searching and reading. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { FALSE, ofText, ofUlong, TRUE } from '../../lib/tags/values.ts';
import type { Attribute } from '../../lib/wire/schema.ts';
import { attribute, classIs, equal, holds, labelIs, ROOM } from '../client.ts';
import { importedKey, p256Key, privateKey, publicKey, rsaKey, type TestKey, testKeys } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';

const anyKey = fc.constantFrom(...testKeys);
const unknownObject = fc.integer({ min: 0x4000_0000, max: 0x7fff_ffff });

/** What a private key of the suite has, as a search names it. */
const attributesOf = (key: TestKey): Attribute[] => [
  classIs(ck.CKO_PRIVATE_KEY),
  labelIs(key.label),
  attribute(ck.CKA_ID, key.id),
  attribute(ck.CKA_KEY_TYPE, ofUlong(key.keyType)),
  attribute(ck.CKA_TOKEN, TRUE),
  attribute(ck.CKA_PRIVATE, TRUE),
  attribute(ck.CKA_SENSITIVE, TRUE),
  attribute(ck.CKA_EXTRACTABLE, FALSE),
  attribute(ck.CKA_SIGN, TRUE),
];

const someAttributes = anyKey.chain((key) =>
  fc.record({ key: fc.constant(key), template: fc.shuffledSubarray(attributesOf(key)) }),
);

/** The same attribute with a value that the key does not have. */
const changed = ({ type, value }: Attribute): Attribute =>
  attribute(
    type,
    value?.length === 1 ? Uint8Array.of(1 - (value[0] ?? 0)) : Buffer.from(value ?? []).map((byte) => byte ^ 0x15),
  );

const SECRETS = new Map([
  [
    ck.CKK_RSA,
    [ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1, ck.CKA_PRIME_2, ck.CKA_EXPONENT_1, ck.CKA_EXPONENT_2, ck.CKA_COEFFICIENT],
  ],
  [ck.CKK_EC, [ck.CKA_VALUE]],
]);
const secretOf = (key: TestKey) => SECRETS.get(key.keyType) ?? [];

export const objectPromises: readonly Promised[] = [
  promiseOf({
    id: 'private-needs-login',
    title: 'Private objects are not found before a login, nor after a logout',
    spec: 'Usage Guide: session states; 5.6 C_Logout; 5.7 C_FindObjectsInit',
    by: 'standard',
    given: anyKey,
    check: async (client, key) => {
      const session = await client.open();
      const template = [classIs(ck.CKO_PRIVATE_KEY), labelIs(key.label)];
      equal(await client.find(session, ...template), [], 'what is found before the login');
      await client.login(session);
      equal((await client.find(session, ...template)).length, 1, 'the number of objects found after the login');
      await client.ok('logout', { session });
      equal(await client.find(session, ...template), [], 'what is found after the logout');
    },
  }),
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
    id: 'find-by-any-attributes',
    title: 'An object is found by any of its attributes, in any order',
    spec: '5.7 C_FindObjectsInit',
    by: 'standard',
    given: someAttributes,
    check: async (client, { key, template }) => {
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const found = await client.find(session, ...template);
      holds(found.includes(object), 'the key is not among what was found');
    },
  }),
  promiseOf({
    id: 'find-exact',
    title: 'One attribute of another value, and the object is not found',
    spec: '5.7 C_FindObjectsInit',
    by: 'standard',
    given: fc.tuple(someAttributes, fc.nat()),
    check: async (client, [{ key, template }, which]) => {
      const all = attributesOf(key);
      const other = changed(all[which % all.length] ?? all[0] ?? labelIs(''));
      const session = await client.enter();
      const object = await privateKey(client, session, key);
      const rest = template.filter(({ type }) => type !== other.type);
      const found = await client.find(session, ...rest, other);
      holds(!found.includes(object), 'the key was found by an attribute that it does not have');
    },
  }),
  promiseOf({
    id: 'found-objects-match',
    title: 'Every object that is found has the attributes of the template',
    spec: '5.7 C_FindObjects',
    by: 'standard',
    given: someAttributes,
    check: async (client, { template }) => {
      const session = await client.enter();
      for (const object of await client.find(session, ...template)) {
        for (const { type, value } of template) equal(await client.get(session, object, type), value, 'an attribute');
      }
    },
  }),
  promiseOf({
    id: 'find-all',
    title: 'An empty template matches every object that any other matches',
    spec: '5.7 C_FindObjectsInit',
    by: 'standard',
    given: someAttributes,
    check: async (client, { template }) => {
      const session = await client.enter();
      const all = await client.find(session);
      equal(new Set(all).size, all.length, 'the number of different handles');
      for (const object of await client.find(session, ...template)) holds(all.includes(object), 'an object is missing');
    },
  }),
  promiseOf({
    id: 'find-in-portions',
    title: 'C_FindObjects gives each object once, at most as many as asked for, and then none',
    spec: '5.7 C_FindObjects',
    by: 'standard',
    given: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
    check: async (client, portions) => {
      const session = await client.enter();
      const all = await client.find(session);
      await client.ok('findObjectsInit', { session, template: [] });
      const given: number[] = [];
      for (const max of portions) {
        const { handles } = await client.ok('findObjects', { session, max });
        equal(handles.length, Math.min(max, all.length - given.length), 'the number of handles');
        given.push(...handles);
      }
      const { handles } = await client.ok('findObjects', { session, max: all.length + 1 });
      given.push(...handles);
      equal(given.toSorted(), all.toSorted(), 'all that was given');
      equal((await client.ok('findObjects', { session, max: 5 })).handles, [], 'what comes after the last');
      await client.ok('findObjectsFinal', { session });
    },
  }),
  promise({
    id: 'find-states',
    title: 'One search a session: a second is CKR_OPERATION_ACTIVE, and without one CKR_OPERATION_NOT_INITIALIZED',
    spec: '5.7 C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter();
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      await client.gives(none, 'findObjects', { session, max: 1 });
      await client.gives(none, 'findObjectsFinal', { session });
      await client.ok('findObjectsInit', { session, template: [] });
      await client.gives(ck.CKR_OPERATION_ACTIVE, 'findObjectsInit', { session, template: [] });
      await client.ok('findObjects', { session, max: 1 });
      await client.ok('findObjectsFinal', { session });
      await client.gives(none, 'findObjects', { session, max: 1 });
    },
  }),
  promiseOf({
    id: 'find-a-session',
    title: 'Sessions search on their own',
    spec: 'Usage Guide: session states; 5.7 C_FindObjectsInit',
    by: 'standard',
    given: fc.tuple(anyKey, anyKey),
    check: async (client, [one, other]) => {
      const first = await client.enter();
      const second = await client.open();
      const promised = [await privateKey(client, first, one), await privateKey(client, first, other)];
      const template = (key: TestKey) => [classIs(ck.CKO_PRIVATE_KEY), labelIs(key.label)];
      await client.ok('findObjectsInit', { session: first, template: template(one) });
      await client.ok('findObjectsInit', { session: second, template: template(other) });
      const atSecond = await client.ok('findObjects', { session: second, max: 5 });
      const atFirst = await client.ok('findObjects', { session: first, max: 5 });
      equal([...atFirst.handles, ...atSecond.handles], promised, 'what both found');
    },
  }),
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
