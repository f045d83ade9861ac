import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { CKA_MHSM_KEY_ID, CKA_MHSM_KEY_NAME, CKA_MHSM_KEY_VERSION } from '../pkcs11/vendor-attributes.ts';
import { EMPTY, FALSE, ofDate, ofText, ofUlong, TRUE, toUlong } from '../tags/values.ts';
import { curves } from './curves.ts';
import { inside, TAG } from './der.ts';
import { unreachable } from './memory-hsm.ts';
import { Client, codeOf, setUp } from './test-client.ts';

const { hsm, library } = setUp();
let client: Client;
let rsa: { privateKey: number; publicKey: number };
let ec: { privateKey: number; publicKey: number };

beforeAll(async () => {
  client = await Client.open(library);
  rsa = await client.generateRsa('rsa');
  ec = await client.generateEc('ec', 'P-384');
});

const ask = (object: number, ...queries: { type: number; capacity: number | null }[]) =>
  client.application.getAttributeValue({ session: 1, object, queries });

describe('the attributes of a private key', () => {
  test.each([
    ['CKA_CLASS', ck.CKA_CLASS, ofUlong(ck.CKO_PRIVATE_KEY)],
    ['CKA_KEY_TYPE', ck.CKA_KEY_TYPE, ofUlong(ck.CKK_EC)],
    ['CKA_TOKEN', ck.CKA_TOKEN, TRUE],
    ['CKA_PRIVATE', ck.CKA_PRIVATE, TRUE],
    ['CKA_SENSITIVE', ck.CKA_SENSITIVE, TRUE],
    ['CKA_ALWAYS_SENSITIVE', ck.CKA_ALWAYS_SENSITIVE, TRUE],
    ['CKA_EXTRACTABLE', ck.CKA_EXTRACTABLE, FALSE],
    ['CKA_NEVER_EXTRACTABLE', ck.CKA_NEVER_EXTRACTABLE, TRUE],
    ['CKA_LOCAL', ck.CKA_LOCAL, TRUE],
    ['CKA_SIGN', ck.CKA_SIGN, TRUE],
    ['CKA_DECRYPT', ck.CKA_DECRYPT, FALSE],
    ['CKA_DERIVE', ck.CKA_DERIVE, FALSE],
    ['CKA_COPYABLE', ck.CKA_COPYABLE, FALSE],
    ['CKA_DESTROYABLE', ck.CKA_DESTROYABLE, FALSE],
    ['CKA_ALWAYS_AUTHENTICATE', ck.CKA_ALWAYS_AUTHENTICATE, FALSE],
    ['CKA_START_DATE', ck.CKA_START_DATE, EMPTY],
    ['CKA_KEY_GEN_MECHANISM', ck.CKA_KEY_GEN_MECHANISM, ofUlong(ck.CKM_EC_KEY_PAIR_GEN)],
    ['CKA_EC_PARAMS', ck.CKA_EC_PARAMS, curves['P-384'].oid],
  ])('%s', async (_name, type, value) => {
    expect(await client.get(ec.privateKey, type)).toEqual(value);
  });

  test('carry the public material, because callers look for it nowhere else', async () => {
    for (const type of [ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT, ck.CKA_PUBLIC_KEY_INFO]) {
      expect(await client.get(rsa.privateKey, type)).toEqual(await client.get(rsa.publicKey, type));
    }
    expect(await client.get(rsa.privateKey, ck.CKA_MODULUS)).toHaveLength(256);
    expect(await client.get(rsa.privateKey, ck.CKA_PUBLIC_EXPONENT)).toEqual(Uint8Array.of(1, 0, 1));
    const point = (await client.get(ec.privateKey, ck.CKA_EC_POINT)) ?? EMPTY;
    expect(point).toHaveLength(99);
    expect([point[0], point[1], point[2]]).toEqual([TAG.octetString, 97, 4]);
  });

  test('say what the key is called at the HSM', async () => {
    const name = await client.getText(ec.privateKey, CKA_MHSM_KEY_NAME);
    expect(name).toMatch(/^p11-[0-9a-f]{32}$/);
    const { version, kid } = hsm.version(name);
    expect(await client.getText(ec.publicKey, CKA_MHSM_KEY_VERSION)).toBe(version);
    expect(await client.getText(ec.publicKey, CKA_MHSM_KEY_ID)).toBe(kid);
  });
});

describe('CKA_ALLOWED_MECHANISMS', () => {
  const allowed = async (object: number) => {
    const bytes = (await client.get(object, ck.CKA_ALLOWED_MECHANISMS)) ?? EMPTY;
    return Array.from({ length: bytes.length / 8 }, (_, i) => toUlong(bytes.subarray(8 * i, 8 * i + 8)));
  };

  test('are those of the key type that the usage allows', async () => {
    const ecdsa = [ck.CKM_ECDSA, ck.CKM_ECDSA_SHA256, ck.CKM_ECDSA_SHA384, ck.CKM_ECDSA_SHA512];
    expect(await allowed(ec.privateKey)).toEqual(ecdsa);
    expect(await allowed(ec.publicKey)).toEqual(ecdsa);
    expect(await allowed(rsa.privateKey)).toContain(ck.CKM_RSA_PKCS_PSS);
    expect(await allowed(rsa.privateKey)).not.toContain(ck.CKM_RSA_PKCS_OAEP);
  });

  test('are exactly those that C_SignInit takes', async () => {
    const mechanisms = new Set(await allowed(ec.privateKey));
    for (const type of client.application.getMechanismList({ slot: 7 }).mechanisms) {
      const mechanism = { type, parameter: null };
      const rv = await codeOf(() => client.application.signInit({ session: 1, mechanism, key: ec.privateKey }));
      expect(rv === ck.CKR_OK, `0x${type.toString(16)}`).toBe(mechanisms.has(type));
    }
  });
});

test('nothing can be wrapped or unwrapped, so the templates for it ask nothing', async () => {
  expect(await client.get(ec.publicKey, ck.CKA_WRAP_TEMPLATE)).toEqual(EMPTY);
  expect(await client.get(ec.privateKey, ck.CKA_UNWRAP_TEMPLATE)).toEqual(EMPTY);
});

test('the size in bits is the public key’s', async () => {
  expect(await client.get(rsa.publicKey, ck.CKA_MODULUS_BITS)).toEqual(ofUlong(2048));
});

test('keys of others claim nothing about their birth', async () => {
  hsm.addKey({ name: 'imported' });
  const handle = await client.findOne(
    { type: ck.CKA_LABEL, value: ofText('imported') },
    { type: ck.CKA_CLASS, value: ofUlong(ck.CKO_PRIVATE_KEY) },
  );
  for (const type of [ck.CKA_LOCAL, ck.CKA_ALWAYS_SENSITIVE, ck.CKA_NEVER_EXTRACTABLE]) {
    expect(await client.get(handle, type)).toEqual(FALSE);
  }
  expect(await client.get(handle, ck.CKA_KEY_GEN_MECHANISM)).toEqual(new Uint8Array(8).fill(0xff));
});

test('dates are the key’s own, as days', async () => {
  const lifetime = { notBefore: Date.UTC(2030, 0, 2, 3) / 1000, expires: Date.UTC(2031, 11, 31, 23, 59, 59) / 1000 };
  hsm.addKey({ name: 'dated', tags: { p11_pri_CKA_START_DATE: '19990101' } });
  hsm.change('dated', undefined, { lifetime });
  const handle = await client.findOne(
    { type: ck.CKA_LABEL, value: ofText('dated') },
    { type: ck.CKA_CLASS, value: ofUlong(ck.CKO_PUBLIC_KEY) },
  );
  expect(await client.get(handle, ck.CKA_START_DATE)).toEqual(ofDate('20300102'));
  expect(await client.get(handle, ck.CKA_END_DATE)).toEqual(ofDate('20311231'));
});

describe('reading a template (section 5.7)', () => {
  const none = { length: ck.CK_UNAVAILABLE_INFORMATION, bytes: null };

  test('fills all that can be, and says what cannot', async () => {
    const answer = await ask(
      rsa.privateKey,
      { type: ck.CKA_LABEL, capacity: 255 },
      { type: ck.CKA_PRIVATE_EXPONENT, capacity: 1000 },
      { type: ck.CKA_EC_POINT, capacity: 1000 },
      { type: ck.CKA_MODULUS, capacity: 255 },
      { type: ck.CKA_TOKEN, capacity: null },
      { type: ck.CKA_SIGN, capacity: 1 },
    );
    expect(answer).toEqual({
      rv: ck.CKR_ATTRIBUTE_SENSITIVE,
      results: [
        { length: 3, bytes: ofText('rsa') },
        none,
        none,
        none,
        { length: 1, bytes: null },
        { length: 1, bytes: TRUE },
      ],
    });
  });

  test.each([
    ['CKR_OK', [ck.CKA_LABEL, ck.CKA_MODULUS], ck.CKR_OK],
    ['CKR_ATTRIBUTE_SENSITIVE', [ck.CKA_PRIME_1], ck.CKR_ATTRIBUTE_SENSITIVE],
    ['CKR_ATTRIBUTE_TYPE_INVALID', [ck.CKA_EC_PARAMS], ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['CKR_ATTRIBUTE_TYPE_INVALID for one of version 3', [0x4], ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['the secret before the unknown', [0x4, ck.CKA_COEFFICIENT], ck.CKR_ATTRIBUTE_SENSITIVE],
    ['CKR_ATTRIBUTE_TYPE_INVALID for the secret of another key type', [ck.CKA_VALUE], ck.CKR_ATTRIBUTE_TYPE_INVALID],
  ])('gives %s', async (_what, types, rv) => {
    expect((await ask(rsa.privateKey, ...types.map((type) => ({ type, capacity: 1000 })))).rv).toBe(rv);
  });

  test('keeps the buffer contract for every attribute and capacity', async () => {
    const types = fc.constantFrom(ck.CKA_LABEL, ck.CKA_ID, ck.CKA_MODULUS, ck.CKA_CLASS, ck.CKA_SUBJECT, ck.CKA_TOKEN);
    const capacity = fc.option(fc.oneof(fc.nat(300), fc.constant(ck.CK_UNAVAILABLE_INFORMATION)));
    await fc.assert(
      fc.asyncProperty(types, capacity, async (type, room) => {
        const whole = (await client.get(rsa.publicKey, type)) ?? EMPTY;
        const { rv, results } = await ask(rsa.publicKey, { type, capacity: room });
        if (room === null) expect({ rv, results }).toEqual({ rv: 0, results: [{ length: whole.length, bytes: null }] });
        else if (room < whole.length) expect({ rv, results }).toEqual({ rv: ck.CKR_BUFFER_TOO_SMALL, results: [none] });
        else expect({ rv, results }).toEqual({ rv: 0, results: [{ length: whole.length, bytes: whole }] });
      }),
    );
  });

  test('of an object that does not exist is CKR_OBJECT_HANDLE_INVALID', async () => {
    for (const handle of [0, 1, 4, rsa.privateKey + 4, 2 ** 53, ck.CK_UNAVAILABLE_INFORMATION]) {
      expect(await codeOf(() => ask(handle))).toBe(ck.CKR_OBJECT_HANDLE_INVALID);
    }
  });

  test('goes on while the HSM is away, for what is known', async () => {
    hsm.fail('listKeys', unreachable());
    hsm.fail('getKey', unreachable());
    expect(await client.getText(rsa.privateKey, ck.CKA_LABEL)).toBe('rsa');
    expect(await client.get(rsa.privateKey, ck.CKA_MODULUS)).toHaveLength(256);
    hsm.fail('listKeys', undefined);
    hsm.fail('getKey', undefined);
  });
});

test('what a caller does with a value that it was given changes no key, and no other answer', async () => {
  const types = Object.entries(ck).flatMap(([name, value]) =>
    name.startsWith('CKA_') && typeof value === 'number' ? [value] : [],
  );
  const objects = [ec.privateKey, ec.publicKey, rsa.privateKey, rsa.publicKey];
  const all = async () => Promise.all(objects.flatMap((object) => types.map((type) => client.get(object, type))));
  const given = await all();
  const before = structuredClone(given);
  for (const value of given) value?.fill(0xa5);
  expect(await all()).toEqual(before);
  expect(given.filter((value) => value !== undefined && value.length > 0).length).toBeGreaterThan(60);
});

describe('C_GetObjectSize, C_CopyObject, C_CreateObject', () => {
  test('the size is that of the attributes', async () => {
    const { size } = await client.application.getObjectSize({ session: 1, object: rsa.privateKey });
    expect(size).toBeGreaterThan(256);
  });

  test('copies are refused: CKA_COPYABLE is false', async () => {
    const copy = (object: number) => codeOf(() => client.application.copyObject({ session: 1, object, template: [] }));
    expect(await copy(rsa.privateKey)).toBe(ck.CKR_ACTION_PROHIBITED);
    expect(await copy(4)).toBe(ck.CKR_OBJECT_HANDLE_INVALID);
  });

  test('imports are not supported, whatever the template', async () => {
    for (const template of [[], [{ type: ck.CKA_CLASS, value: ofUlong(ck.CKO_DATA) }]]) {
      expect(await codeOf(() => client.application.createObject({ session: 1, template }))).toBe(
        ck.CKR_FUNCTION_NOT_SUPPORTED,
      );
    }
    expect(await codeOf(() => client.application.createObject({ session: 99, template: [] }))).toBe(
      ck.CKR_SESSION_HANDLE_INVALID,
    );
  });
});

test('a public key’s DER is what X.509 says', async () => {
  const info = (await client.get(ec.publicKey, ck.CKA_PUBLIC_KEY_INFO)) ?? EMPTY;
  expect(inside(TAG.sequence, info)?.map(({ tag }) => tag)).toEqual([TAG.sequence, TAG.bitString]);
});
