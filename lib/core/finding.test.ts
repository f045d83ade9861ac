import { createHash, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { EMPTY, FALSE, ofText, ofUlong, TRUE } from '../tags/values.ts';
import { elementsOf, inside, TAG } from './der.ts';
import { type MemoryHsm, unreachable } from './memory-hsm.ts';
import { attribute, Client, classIs, codeOf, labelIs, setUp } from './test-client.ts';

const PRIVATE = classIs(ck.CKO_PRIVATE_KEY);
const PUBLIC = classIs(ck.CKO_PUBLIC_KEY);
const idIs = (...bytes: number[]) => attribute(ck.CKA_ID, Uint8Array.from(bytes));
const described = { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01', p11_pri_CKA_LABEL: 'web' };

async function withKeys(...keys: Parameters<MemoryHsm['addKey']>[0][]) {
  const setup = setUp();
  for (const key of keys) setup.hsm.addKey(key);
  return { ...setup, client: await Client.open(setup.library) };
}

describe('a search', () => {
  test('before the login that the token needs is empty, and no error', async () => {
    const { library, hsm, warnings } = setUp();
    hsm.addKey({ name: 'web' });
    const client = await Client.open(library, { login: false });
    expect(await client.find(PRIVATE)).toEqual([]);
    expect([hsm.requests, warnings]).toEqual([[], []]);
  });

  test('shows a private and a public object a key', async () => {
    const { client } = await withKeys({ name: 'web', tags: described });
    expect(await client.find()).toHaveLength(2);
    expect([await client.find(PRIVATE), await client.find(PUBLIC)].map((it) => it.length)).toEqual([1, 1]);
  });

  test.each([
    ['class', [PRIVATE]],
    ['type', [attribute(ck.CKA_KEY_TYPE, ofUlong(ck.CKK_EC)), PRIVATE]],
    ['id', [PRIVATE, idIs(1)]],
    ['label', [PRIVATE, labelIs('web')]],
    ['id, label and class', [PRIVATE, idIs(1), labelIs('web')]],
    ['token', [attribute(ck.CKA_TOKEN, TRUE), PRIVATE]],
    ['privacy', [attribute(ck.CKA_PRIVATE, TRUE)]],
    ['use', [PRIVATE, idIs(1), attribute(ck.CKA_SIGN, TRUE)]],
  ])('by %s finds a key that its tags describe without a request a key', async (_what, template) => {
    const { client, hsm } = await withKeys({ name: 'web', tags: described });
    expect(await client.find(...template)).toHaveLength(1);
    expect(hsm.requests).toEqual(['authenticate', 'listKeys']);
  });

  test('by modulus or point asks only for the keys that match in all else', async () => {
    const { client, hsm } = await withKeys(
      { name: 'a', tags: described },
      { name: 'b', tags: { ...described, p11_pri_CKA_LABEL: 'b' } },
    );
    const handle = await client.findOne(PUBLIC, labelIs('web'));
    const point = await client.get(handle, ck.CKA_EC_POINT);
    hsm.requests.length = 0;
    expect(await client.find(PUBLIC, labelIs('web'), attribute(ck.CKA_EC_POINT, point ?? EMPTY))).toEqual([handle]);
    expect(hsm.requests).toEqual([]);
  });

  test.each([
    ['a class of another standard', [classIs(0xce534353)]],
    ['a class of version 3', [attribute(ck.CKA_TOKEN, TRUE), classIs(9)]],
    ['secret keys', [classIs(ck.CKO_SECRET_KEY)]],
    ['a class of no length', [attribute(ck.CKA_CLASS, EMPTY)]],
    ['an attribute that nobody knows', [attribute(0x8000_0099, EMPTY)]],
    ['a secret', [attribute(ck.CKA_PRIVATE_EXPONENT, EMPTY)]],
  ])('for %s is empty', async (_what, template) => {
    const { client } = await withKeys({ name: 'web' });
    expect(await client.find(...template)).toEqual([]);
  });

  test('hands out in portions until nothing is left', async () => {
    const { client } = await withKeys({ name: 'a' }, { name: 'b' });
    const { application, session } = client;
    await application.findObjectsInit({ session, template: [] });
    const portions = [3, 0, 3, 3].map((max) => application.findObjects({ session, max }).handles.length);
    expect(portions).toEqual([3, 0, 1, 0]);
    application.findObjectsFinal({ session });
  });

  test('is one at a time in a session, and ends for good', async () => {
    const { client } = await withKeys();
    const { application, session } = client;
    await application.findObjectsInit({ session, template: [] });
    expect(await codeOf(() => application.findObjectsInit({ session, template: [] }))).toBe(ck.CKR_OPERATION_ACTIVE);
    application.findObjectsFinal({ session });
    expect(await codeOf(() => application.findObjectsFinal({ session }))).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    expect(await codeOf(() => application.findObjects({ session, max: 1 }))).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
  });

  test('that fails leaves the session free for the next', async () => {
    const { library, hsm } = setUp();
    hsm.fail('listKeys', unreachable());
    const client = await Client.open(library);
    expect(await codeOf(() => client.find())).toBe(ck.CKR_DEVICE_ERROR);
    hsm.fail('listKeys', undefined);
    expect(await client.find()).toEqual([]);
  });
});

describe('the list', () => {
  test('is read once for many searches', async () => {
    const { client, hsm } = await withKeys({ name: 'web', tags: described });
    for (let i = 0; i < 5; i += 1) await client.find(PRIVATE, labelIs('web'));
    expect(hsm.count('listKeys')).toBe(1);
  });

  test('is read afresh, once, when a label or id matches nothing', async () => {
    const { client, hsm } = await withKeys({ name: 'web', tags: described });
    await client.find(PRIVATE);
    hsm.addKey({ name: 'new', tags: { ...described, p11_pri_CKA_LABEL: 'new' } });
    expect(await client.find(PRIVATE, labelIs('new'))).toHaveLength(1);
    expect(hsm.count('listKeys')).toBe(2);
    expect(await client.find(PRIVATE, idIs(9))).toEqual([]);
    expect(hsm.count('listKeys')).toBe(3);
  });

  test.each([
    ['private keys', [PRIVATE]],
    ['one name', [PRIVATE, labelIs('new')]],
    ['anything', []],
  ])('is not read for %s that is on no token', async (_what, template) => {
    const { hsm, library, client } = await withKeys({ name: 'web', tags: described });
    await client.find();
    const next = await Client.open(library);
    const before = hsm.count('listKeys');
    expect(await next.find(...template, attribute(ck.CKA_TOKEN, FALSE))).toEqual([]);
    expect(hsm.count('listKeys')).toBe(before);
  });

  test.each([
    ['private keys', [PRIVATE]],
    ['all objects', []],
  ])(
    'is read afresh once when a program that logs in lists %s, for what others made meanwhile',
    async (_what, template) => {
      const { hsm, library } = await withKeys({ name: 'web', tags: described });
      await (await Client.open(library)).find(...template);
      hsm.addKey({ name: 'new', tags: described });
      const next = await Client.open(library);
      const before = hsm.count('listKeys');
      for (let i = 0; i < 2; i += 1) expect(await next.find(...template)).toHaveLength(template.length === 0 ? 4 : 2);
      expect(hsm.count('listKeys')).toBe(before + 1);
    },
  );

  test('is read afresh by the next listing when the first one after a login failed', async () => {
    const { client, library, hsm } = await withKeys({ name: 'web', tags: described });
    await client.find(PRIVATE);
    const second = await Client.open(library);
    hsm.addKey({ name: 'new', tags: { ...described, p11_pri_CKA_LABEL: 'new' } });
    hsm.fail('listKeys', unreachable());
    expect(await codeOf(() => second.find(PRIVATE))).toBe(ck.CKR_DEVICE_ERROR);
    hsm.fail('listKeys', undefined);
    expect(await second.find(PRIVATE)).toHaveLength(2);
  });

  test('is not read afresh for certificates or other things that are missing', async () => {
    const { client, hsm } = await withKeys({ name: 'web', tags: described });
    await client.find(classIs(ck.CKO_CERTIFICATE), idIs(9));
    await client.find(PRIVATE, attribute(ck.CKA_TOKEN, EMPTY));
    expect(hsm.count('listKeys')).toBe(1);
  });

  test('shows what this library made at once', async () => {
    const { client } = await withKeys({ name: 'web', tags: described });
    await client.find();
    const { privateKey, publicKey } = await client.generateEc('made');
    expect((await client.find()).sort()).toEqual(expect.arrayContaining([privateKey, publicKey].sort()));
  });
});

describe('keys that others made', () => {
  test('have the key name as label and the identifier of the public key as id', async () => {
    const { client, hsm } = await withKeys({ name: 'web' }, { name: 'rsa', key: { kty: 'RSA', bits: 2048 } });
    for (const name of ['web', 'rsa']) {
      const handle = await client.findOne(PRIVATE, labelIs(name));
      const info = createPublicKey(hsm.version(name).privateKey).export({ format: 'der', type: 'spki' });
      const bits = inside(TAG.sequence, info)?.[1]?.value.subarray(1) ?? EMPTY;
      expect(elementsOf(info)).toHaveLength(1);
      expect(await client.get(handle, ck.CKA_ID)).toEqual(Uint8Array.from(createHash('sha1').update(bits).digest()));
      expect(await client.get(handle, ck.CKA_PUBLIC_KEY_INFO)).toEqual(Uint8Array.from(info));
    }
  });

  test('are read once each, side by side, and never again', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `key-${i}`);
    const { client, hsm } = await withKeys(...names.map((name) => ({ name })));
    let atOnce = 0;
    let most = 0;
    const request = hsm.request.bind(hsm);
    hsm.request = async (...args) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await request(...args);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
    };
    const other = new Client(client.application, 2);
    client.application.openSession({ session: 2, slot: 7, flags: ck.CKF_SERIAL_SESSION });
    await Promise.all([client.find(), other.find()]);
    await client.find();
    expect(hsm.count('getKey')).toBe(100);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(33);
  });

  test('may sign or not as their operations say', async () => {
    const { client } = await withKeys({ name: 'no', operations: ['verify'] }, { name: 'yes', operations: ['sign'] });
    const found = await client.find(PRIVATE, attribute(ck.CKA_SIGN, TRUE));
    expect(await Promise.all(found.map((it) => client.getText(it, ck.CKA_LABEL)))).toEqual(['yes']);
  });

  test('that are symmetric are not shown', async () => {
    const { client } = await withKeys(
      { name: 'aes', symmetric: true },
      { name: 'tagged', symmetric: true, tags: { ...described, p11_pri_CKA_KEY_TYPE: 'CKK_AES' } },
    );
    expect(await client.find()).toEqual([]);
  });

  test('that cannot be read are left out with one line, and the others stay', async () => {
    const { library, hsm, warnings } = setUp();
    hsm.addKey({ name: 'good' });
    hsm.addKey({ name: 'secret' });
    const refused = new Pkcs11Error(ck.CKR_FUNCTION_REJECTED, 'no permission');
    hsm.fail('getKey', (name) => (name === 'secret' ? refused : undefined));
    const client = await Client.open(library);
    expect(await client.find(PRIVATE)).toHaveLength(1);
    expect(await client.find(PRIVATE)).toHaveLength(1);
    expect(warnings).toEqual(['key secret is left out, it cannot be read: no permission (identity client)']);
  });

  test.each([ck.CKR_FUNCTION_REJECTED, ck.CKR_KEY_HANDLE_INVALID, ck.CKR_FUNCTION_FAILED])(
    'that the HSM refuses to show (0x%x) are asked for again when another list was read, the same or not',
    async (rv) => {
      const { library, hsm } = setUp();
      hsm.addKey({ name: 'good' });
      hsm.addKey({ name: 'secret' });
      hsm.fail('getKey', (name) => (name === 'secret' ? new Pkcs11Error(rv, 'no permission') : undefined));
      const client = await Client.open(library);
      for (let i = 0; i < 3; i += 1) expect(await client.find(PRIVATE)).toHaveLength(1);
      expect(hsm.requests.filter((request) => request === 'getKey secret')).toHaveLength(1);
      hsm.fail('getKey', undefined);
      expect(await client.find(PRIVATE, labelIs('secret'))).toHaveLength(1);
      expect(await client.find(PRIVATE)).toHaveLength(2);
    },
  );

  test('are not asked for one after the other when the HSM is away', async () => {
    const setup = setUp();
    for (let i = 0; i < 200; i += 1) setup.hsm.addKey({ name: `key-${i}` });
    setup.hsm.fail('getKey', unreachable());
    const client = await Client.open(setup.library);
    expect(await client.find(PRIVATE)).toEqual([]);
    expect(setup.hsm.count('getKey')).toBeLessThan(100);
  });
});

describe('damaged tags', () => {
  test('hide their key, with one line that names it, and no other key', async () => {
    const tags = { ...described, p11_pri_CKA_ID: 'not an id!' };
    const { client, warnings } = await withKeys({ name: 'bad', tags }, { name: 'good', tags: described });
    for (let i = 0; i < 2; i += 1) expect(await client.find(PRIVATE)).toHaveLength(1);
    expect(warnings).toEqual([
      'key bad is left out, its tag p11_pri_CKA_ID is damaged: "not an id!" is not hexadecimal digits or base64 (identity client)',
    ]);
  });

  test('that are repaired bring the key back', async () => {
    const { client, hsm } = await withKeys({ name: 'bad', tags: { ...described, p11_pri_CKA_SIGN: '?' } });
    expect(await client.find(PRIVATE)).toEqual([]);
    hsm.change('bad', undefined, { tags: described });
    expect(await client.find(PRIVATE, labelIs('web'))).toHaveLength(1);
  });
});

describe('no key at all', () => {
  test('is said once when a server lists private keys', async () => {
    const { client, warnings } = await withKeys();
    await client.find(PRIVATE);
    await client.find(attribute(ck.CKA_TOKEN, TRUE), PRIVATE);
    expect(warnings).toEqual([
      'there is no key to use in https://memory.managedhsm.test; hint: create one with mhsm_p11_create_key --label ...',
    ]);
  });

  test('is not said to who asks for something else', async () => {
    const { client, warnings } = await withKeys();
    await client.find(PUBLIC);
    await client.find(PRIVATE, labelIs('web'));
    expect(warnings).toEqual([]);
  });
});

test('labels are compared as bytes', async () => {
  const { client } = await withKeys({ name: 'k', tags: { ...described, p11_pri_CKA_LABEL: 'Zürich' } });
  expect(await client.find(PRIVATE, attribute(ck.CKA_LABEL, ofText('Zürich')))).toHaveLength(1);
  expect(await client.find(PRIVATE, labelIs('zürich'))).toEqual([]);
});
