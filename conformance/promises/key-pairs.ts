/** Making, changing and deleting keys (sections 5.7 and 5.14). */

import * as fc from 'fast-check';
import type { Attribute } from '../../lib/core/calls.ts';
import * as ck from '../../lib/pkcs11/constants.ts';
import { EMPTY, FALSE, ofText, ofUlong, TRUE } from '../../lib/tags/values.ts';
import { attribute, bare, classIs, equal, holds, labelIs, RO, ROOM, RW } from '../client.ts';
import { p256Key, privateKey, publicKey, rsaKey, type TestKey, templatesOf } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';

const name = fc.string({ unit: fc.constantFrom(...'abcdefghijkxyzABC019 -_.äß€'), minLength: 1, maxLength: 40 });
const id = fc.uint8Array({ minLength: 1, maxLength: 32 });
const freshKey = fc
  .record({ label: name.map((text) => `made ${text}`), id })
  .map((fields): TestKey => ({ ...p256Key, ...fields }));

export const keyPairPromises: readonly Promised[] = [
  promiseOf({
    id: 'generated-key-is-as-asked',
    title: 'A new pair has the attributes of its templates, is found by them, signs, and is gone when destroyed',
    spec: '5.14 C_GenerateKeyPair; 5.7 C_DestroyObject',
    by: 'standard',
    cost: 4,
    given: freshKey,
    check: async (client, key) => {
      const session = await client.enter();
      const made = await client.ok('generateKeyPair', { session, ...templatesOf(key) });
      try {
        for (const object of [made.publicKey, made.privateKey]) {
          equal(await client.get(session, object, ck.CKA_LABEL), ofText(key.label), 'CKA_LABEL');
          equal(await client.get(session, object, ck.CKA_ID), key.id, 'CKA_ID');
          equal(await client.get(session, object, ck.CKA_TOKEN), TRUE, 'CKA_TOKEN');
          equal(await client.get(session, object, ck.CKA_LOCAL), TRUE, 'CKA_LOCAL');
          equal(
            await client.get(session, object, ck.CKA_KEY_GEN_MECHANISM),
            ofUlong(ck.CKM_EC_KEY_PAIR_GEN),
            'the mechanism',
          );
        }
        equal(await client.get(session, made.privateKey, ck.CKA_NEVER_EXTRACTABLE), TRUE, 'CKA_NEVER_EXTRACTABLE');
        equal(await client.get(session, made.privateKey, ck.CKA_ALWAYS_SENSITIVE), TRUE, 'CKA_ALWAYS_SENSITIVE');
        holds((await client.find(session, labelIs(key.label))).includes(made.privateKey), 'the key is not found');
        const data = new Uint8Array(32).fill(5);
        const signature = await client.sign(session, bare(ck.CKM_ECDSA), made.privateKey, data);
        equal(await client.verify(session, bare(ck.CKM_ECDSA), made.publicKey, data, signature), ck.CKR_OK, 'the code');
      } finally {
        await client.call('destroyObject', { session, object: made.privateKey });
        await client.call('destroyObject', { session, object: made.publicKey });
      }
      const queries = [{ type: ck.CKA_LABEL, capacity: ROOM }];
      for (const object of [made.publicKey, made.privateKey]) {
        await client.gives(ck.CKR_OBJECT_HANDLE_INVALID, 'getAttributeValue', { session, object, queries });
      }
      equal(
        await client.find(session, labelIs(key.label), attribute(ck.CKA_ID, key.id)),
        [],
        'what is found at the end',
      );
    },
  }),
  promiseOf({
    id: 'generate-read-only',
    title: 'A read-only session makes no token object: CKR_SESSION_READ_ONLY',
    spec: 'Usage Guide: session states; 5.14 C_GenerateKeyPair',
    by: 'standard',
    given: freshKey,
    check: async (client, key) => {
      const session = await client.enter(RO);
      await client.gives(ck.CKR_SESSION_READ_ONLY, 'generateKeyPair', { session, ...templatesOf(key) });
    },
  }),
  promiseOf({
    id: 'generate-needs-login',
    title: 'Without a login no private object is made: CKR_USER_NOT_LOGGED_IN',
    spec: 'Usage Guide: session states; 5.14 C_GenerateKeyPair',
    by: 'standard',
    given: freshKey,
    check: async (client, key) => {
      const session = await client.open(RW);
      await client.gives(ck.CKR_USER_NOT_LOGGED_IN, 'generateKeyPair', { session, ...templatesOf(key) });
    },
  }),
  promise({
    id: 'generate-incomplete',
    title: 'Without a size or a curve the template is CKR_TEMPLATE_INCOMPLETE',
    spec: '5.14 C_GenerateKeyPair; 2.1.4 and 2.3.5 of the mechanisms',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter();
      for (const key of [rsaKey, p256Key]) {
        const templates = templatesOf({ ...key, material: [] });
        await client.gives(ck.CKR_TEMPLATE_INCOMPLETE, 'generateKeyPair', { session, ...templates });
      }
    },
  }),
  promise({
    id: 'generate-curve-unknown',
    title: 'A curve that the HSM does not have is CKR_CURVE_NOT_SUPPORTED, and what is no curve is refused',
    spec: '5.14 C_GenerateKeyPair; 2.3 of the mechanisms',
    by: 'ours',
    check: async (client) => {
      const session = await client.enter();
      const withCurve = (hex: string) =>
        templatesOf({ ...p256Key, material: [attribute(ck.CKA_EC_PARAMS, Buffer.from(hex, 'hex'))] });
      const brainpool = '06092b2403030208010107';
      await client.gives(ck.CKR_CURVE_NOT_SUPPORTED, 'generateKeyPair', { session, ...withCurve(brainpool) });
      await client.gives(ck.CKR_DOMAIN_PARAMS_INVALID, 'generateKeyPair', { session, ...withCurve('ffff') });
    },
  }),
  promiseOf({
    id: 'generate-rsa-bits',
    title: 'A size that the HSM does not make is CKR_ATTRIBUTE_VALUE_INVALID',
    spec: 'docs: mechanisms; 5.14 C_GenerateKeyPair',
    by: 'ours',
    given: fc.integer({ min: 0, max: 20_000 }).filter((bits) => ![2048, 3072, 4096].includes(bits)),
    check: async (client, bits) => {
      const session = await client.enter();
      const templates = templatesOf({ ...rsaKey, material: [attribute(ck.CKA_MODULUS_BITS, ofUlong(bits))] });
      await client.gives(ck.CKR_ATTRIBUTE_VALUE_INVALID, 'generateKeyPair', { session, ...templates });
    },
  }),
  promise({
    id: 'generate-no-secrets-out',
    title: 'A template that wants the key extractable or not sensitive is CKR_TEMPLATE_INCONSISTENT',
    spec: 'docs: mechanisms; 5.14 C_GenerateKeyPair',
    by: 'ours',
    check: async (client) => {
      const session = await client.enter();
      const templates = templatesOf(p256Key);
      const wishes = [
        attribute(ck.CKA_EXTRACTABLE, TRUE),
        attribute(ck.CKA_SENSITIVE, FALSE),
        attribute(ck.CKA_TOKEN, FALSE),
      ];
      for (const wish of wishes) {
        const rest = templates.privateTemplate.filter(({ type }) => type !== wish.type);
        const request = { session, ...templates, privateTemplate: [...rest, wish] };
        await client.gives(ck.CKR_TEMPLATE_INCONSISTENT, 'generateKeyPair', request);
      }
    },
  }),
  promiseOf({
    id: 'set-label',
    title: 'A new label is read back at once and found, and the old one is not',
    spec: '5.7 C_SetAttributeValue',
    by: 'standard',
    cost: 2,
    given: name,
    check: async (client, text) => {
      const session = await client.enter();
      const object = await privateKey(client, session, p256Key);
      const label = labelIs(`set ${text}`);
      await client.ok('setAttributeValue', { session, object, template: [label] });
      try {
        equal(await client.get(session, object, ck.CKA_LABEL), label.value, 'the label');
        equal(await client.find(session, classIs(ck.CKO_PRIVATE_KEY), label), [object], 'what the new label finds');
        const old = await client.find(session, classIs(ck.CKO_PRIVATE_KEY), labelIs(p256Key.label));
        equal(old, [], 'what the old label finds');
        equal(
          await client.get(session, await publicKey(client, session, p256Key), ck.CKA_LABEL),
          ofText(p256Key.label),
          'the label of the public key',
        );
      } finally {
        await client.call('setAttributeValue', { session, object, template: [labelIs(p256Key.label)] });
      }
    },
  }),
  promise({
    id: 'set-dates',
    title: 'Dates are set, and taken away again by empty ones, one at a time',
    spec: '4.7; 5.7 C_SetAttributeValue',
    by: 'ours',
    // pkcs11js gives and takes dates of eight bytes alone.
    needs: 'lengths',
    check: async (client) => {
      const session = await client.enter();
      const object = await privateKey(client, session, p256Key);
      const [start, end] = ['20200102', '20991231'];
      const set = (...template: Attribute[]) => client.ok('setAttributeValue', { session, object, template });
      const text = async (type: number) => Buffer.from(await client.get(session, object, type)).toString();
      const dates = async () => [await text(ck.CKA_START_DATE), await text(ck.CKA_END_DATE)];
      await set(attribute(ck.CKA_START_DATE, ofText(start)), attribute(ck.CKA_END_DATE, ofText(end)));
      equal(await dates(), [start, end], 'the dates');
      await set(attribute(ck.CKA_START_DATE, EMPTY));
      equal(await dates(), ['', end], 'the dates without the first');
      await set(attribute(ck.CKA_END_DATE, EMPTY));
      equal(await dates(), ['', ''], 'the dates without both');
    },
  }),
  promise({
    id: 'set-read-only-session',
    title: 'A read-only session changes no token object: CKR_SESSION_READ_ONLY',
    spec: 'Usage Guide: session states; 5.7 C_SetAttributeValue, C_DestroyObject',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter(RO);
      const object = await privateKey(client, session, p256Key);
      await client.gives(ck.CKR_SESSION_READ_ONLY, 'setAttributeValue', { session, object, template: [labelIs('x')] });
      await client.gives(ck.CKR_SESSION_READ_ONLY, 'destroyObject', { session, object });
      await client.ok('closeSession', { session });
    },
  }),
  promiseOf({
    id: 'set-read-only-attribute',
    title: 'Class, type and material of a key stay as they are: CKR_ATTRIBUTE_READ_ONLY',
    spec: '4.1.1; 5.7 C_SetAttributeValue',
    by: 'standard',
    given: fc.constantFrom(
      classIs(ck.CKO_DATA),
      attribute(ck.CKA_KEY_TYPE, ofUlong(ck.CKK_AES)),
      attribute(ck.CKA_LOCAL, FALSE),
      attribute(ck.CKA_EC_PARAMS, Uint8Array.of(1)),
      attribute(ck.CKA_KEY_GEN_MECHANISM, ofUlong(1)),
      attribute(ck.CKA_ALWAYS_SENSITIVE, FALSE),
    ),
    check: async (client, change) => {
      const session = await client.enter();
      const object = await privateKey(client, session, p256Key);
      await client.gives(ck.CKR_ATTRIBUTE_READ_ONLY, 'setAttributeValue', { session, object, template: [change] });
    },
  }),
  promise({
    id: 'set-all-or-nothing',
    title: 'A template with one attribute that may not change changes none',
    spec: '5.7 C_SetAttributeValue',
    by: 'ours',
    check: async (client) => {
      const session = await client.enter();
      const object = await privateKey(client, session, p256Key);
      const template = [labelIs('half done'), attribute(ck.CKA_KEY_TYPE, ofUlong(ck.CKK_AES))];
      await client.gives(ck.CKR_ATTRIBUTE_READ_ONLY, 'setAttributeValue', { session, object, template });
      equal(await client.get(session, object, ck.CKA_LABEL), ofText(p256Key.label), 'the label');
    },
  }),
  promise({
    id: 'create-and-copy-refused',
    title: 'Objects are neither created nor copied: the codes of the sections, and no object',
    spec: '5.7 C_CreateObject, C_CopyObject',
    by: 'ours',
    check: async (client) => {
      const session = await client.enter();
      const object = await privateKey(client, session, p256Key);
      const before = await client.find(session);
      await client.gives(ck.CKR_ACTION_PROHIBITED, 'copyObject', { session, object, template: [] });
      const template = [classIs(ck.CKO_DATA), attribute(ck.CKA_TOKEN, FALSE)];
      await client.gives(ck.CKR_FUNCTION_NOT_SUPPORTED, 'createObject', { session, template });
      equal(await client.find(session), before, 'the objects');
    },
  }),
  promise({
    id: 'usage-is-kept',
    title: 'A key that may not sign does not: CKR_KEY_FUNCTION_NOT_PERMITTED, until it may again',
    spec: '4.9; 5.11 C_SignInit',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter();
      const key = await privateKey(client, session, p256Key);
      const may = (value: Uint8Array) => ({ session, object: key, template: [attribute(ck.CKA_SIGN, value)] });
      await client.ok('setAttributeValue', may(FALSE));
      try {
        equal(await client.get(session, key, ck.CKA_SIGN), FALSE, 'CKA_SIGN');
        const start = { session, mechanism: bare(ck.CKM_ECDSA), key };
        await client.gives(ck.CKR_KEY_FUNCTION_NOT_PERMITTED, 'signInit', start);
      } finally {
        await client.ok('setAttributeValue', may(TRUE));
      }
      await client.sign(session, bare(ck.CKM_ECDSA), key, new Uint8Array(32));
    },
  }),
];
