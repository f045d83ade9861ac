/** Searches for objects (section 5.7). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import type { Attribute } from '../../lib/wire/schema.ts';
import { attribute, classIs, equal, holds, labelIs } from '../client.ts';
import { privateKey, type TestKey } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { anyKey, attributesOf, someAttributes } from './key-objects.ts';

/** The same attribute with a value that the key does not have. */
const changed = ({ type, value }: Attribute): Attribute =>
  attribute(
    type,
    value?.length === 1 ? Uint8Array.of(1 - (value[0] ?? 0)) : Buffer.from(value ?? []).map((byte) => byte ^ 0x15),
  );

export const searchPromises: readonly Promised[] = [
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
];
