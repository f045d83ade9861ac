import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { MAX_TAGS } from '../tags/codec.ts';
import { EMPTY, FALSE, ofDate, ofText, ofUlong, TRUE } from '../tags/values.ts';
import { attribute, Client, classIs, codeOf, labelIs, RO, setUp } from './test-client.ts';

const PRIVATE = classIs(ck.CKO_PRIVATE_KEY);

async function withKey(options: Parameters<typeof setUp>[2] = {}) {
  const setup = setUp(undefined, {}, options);
  const client = await Client.open(setup.library);
  const pair = await client.generateEc('web');
  const [name = ''] = [...setup.hsm.keys.keys()];
  return { ...setup, ...pair, client, name };
}

describe('C_SetAttributeValue', () => {
  test('sets the label of one object, for everybody', async () => {
    const { client, hsm, privateKey, publicKey } = await withKey();
    await client.set(privateKey, labelIs('new'));
    const other = await Client.open(setUp(hsm).library);
    for (const reader of [client, other]) {
      expect(await reader.getText(privateKey, ck.CKA_LABEL)).toBe('new');
      expect(await reader.getText(publicKey, ck.CKA_LABEL)).toBe('web');
      expect(await reader.find(labelIs('new'))).toEqual([privateKey]);
      expect(await reader.find(labelIs('web'), PRIVATE)).toEqual([]);
    }
  });

  test('sets usage as tag and key operation, and the other way round again', async () => {
    const { client, hsm, name, privateKey } = await withKey();
    await client.set(privateKey, attribute(ck.CKA_SIGN, FALSE));
    expect(hsm.version(name)).toMatchObject({ operations: ['verify'], tags: { p11_pri_CKA_SIGN: 'false' } });
    expect(await client.get(privateKey, ck.CKA_SIGN)).toEqual(FALSE);
    expect(await codeOf(() => client.sign(privateKey, ck.CKM_ECDSA, EMPTY))).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    await client.set(privateKey, attribute(ck.CKA_SIGN, TRUE));
    expect(hsm.version(name).operations).toEqual(['verify', 'sign']);
    expect(hsm.version(name).tags).not.toHaveProperty('p11_pri_CKA_SIGN');
    expect(await client.sign(privateKey, ck.CKM_ECDSA, EMPTY)).toHaveLength(64);
  });

  test('sets dates as lifetime, for both objects', async () => {
    const { client, hsm, name, privateKey, publicKey } = await withKey();
    await client.set(publicKey, attribute(ck.CKA_END_DATE, ofDate('20401231')));
    expect(hsm.version(name).expires).toBe(Date.UTC(2041, 0, 1) / 1000 - 1);
    expect(hsm.version(name).tags).toHaveProperty('p11_pri_CKA_END_DATE', '20401231');
    expect(await client.get(privateKey, ck.CKA_END_DATE)).toEqual(ofDate('20401231'));
  });

  test('takes away the date that is empty, and leaves the other', async () => {
    const { client, hsm, name, privateKey } = await withKey();
    const start = attribute(ck.CKA_START_DATE, ofDate('20300102'));
    await client.set(privateKey, start, attribute(ck.CKA_END_DATE, ofDate('20401231')));
    await client.set(privateKey, attribute(ck.CKA_END_DATE, EMPTY));
    expect(hsm.version(name)).toMatchObject({ notBefore: Date.UTC(2030, 0, 2) / 1000, expires: undefined });
    expect(await client.get(privateKey, ck.CKA_START_DATE)).toEqual(ofDate('20300102'));
    expect(await client.get(privateKey, ck.CKA_END_DATE)).toEqual(EMPTY);
  });

  test('keeps the tags of others, also those that came since the list was read', async () => {
    const { client, hsm, name, privateKey } = await withKey();
    await client.find();
    hsm.change(name, undefined, { tags: { ...hsm.version(name).tags, owner: 'web team' } });
    await client.set(privateKey, labelIs('new'));
    expect(hsm.version(name).tags).toMatchObject({ owner: 'web team', p11_pri_CKA_LABEL: 'new' });
  });

  test('replaces another spelling of the same attribute', async () => {
    const { client, hsm, name, privateKey } = await withKey();
    const { p11_pri_CKA_LABEL: _ours, ...tags } = hsm.version(name).tags;
    hsm.change(name, undefined, { tags: { ...tags, P11_PRI_label: 'old' } });
    await client.set(privateKey, labelIs('new'));
    expect(Object.keys(hsm.version(name).tags).filter((tag) => /pri.*label/i.test(tag))).toEqual(['p11_pri_CKA_LABEL']);
  });

  test('works on keys that others made', async () => {
    const { client, hsm } = await withKey();
    hsm.addKey({ name: 'portal', operations: ['sign', 'verify'] });
    const handle = await client.findOne(labelIs('portal'), PRIVATE);
    await client.set(handle, labelIs('mine'), attribute(ck.CKA_ID, Uint8Array.of(9)));
    expect(await client.find(labelIs('mine'), attribute(ck.CKA_ID, Uint8Array.of(9)), PRIVATE)).toEqual([handle]);
    await client.set(handle, attribute(ck.CKA_SIGN, FALSE));
    expect(await client.get(handle, ck.CKA_SIGN)).toEqual(FALSE);
  });

  test('changes the version that the handle means', async () => {
    const { client, hsm, name, privateKey } = await withKey();
    hsm.rotate(name);
    await client.set(privateKey, labelIs('old version'));
    expect(hsm.keys.get(name)?.map(({ tags }) => tags.p11_pri_CKA_LABEL)).toEqual(['old version', 'web']);
  });

  test.each([
    ['CKA_CLASS', ck.CKA_CLASS, ofUlong(ck.CKO_PUBLIC_KEY), ck.CKR_ATTRIBUTE_READ_ONLY],
    ['CKA_KEY_TYPE', ck.CKA_KEY_TYPE, ofUlong(ck.CKK_RSA), ck.CKR_ATTRIBUTE_READ_ONLY],
    ['CKA_EXTRACTABLE', ck.CKA_EXTRACTABLE, TRUE, ck.CKR_ATTRIBUTE_READ_ONLY],
    ['CKA_EC_POINT', ck.CKA_EC_POINT, EMPTY, ck.CKR_ATTRIBUTE_READ_ONLY],
    ['CKA_DESTROYABLE', ck.CKA_DESTROYABLE, TRUE, ck.CKR_ATTRIBUTE_READ_ONLY],
    ['the name', CKA_MHSM_KEY_NAME, ofText('x'), ck.CKR_ATTRIBUTE_READ_ONLY],
    ['CKA_VERIFY of a private key', ck.CKA_VERIFY, TRUE, ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['CKA_MODULUS of an EC key', ck.CKA_MODULUS, EMPTY, ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['an unknown one', 0x8000_0001, EMPTY, ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['a boolean of no length', ck.CKA_SIGN, EMPTY, ck.CKR_ATTRIBUTE_VALUE_INVALID],
    ['a label that is not UTF-8', ck.CKA_LABEL, Uint8Array.of(0xff), ck.CKR_ATTRIBUTE_VALUE_INVALID],
  ])('refuses %s, and then sets nothing', async (_what, type, value, rv) => {
    const { client, hsm, privateKey } = await withKey();
    expect(await codeOf(() => client.set(privateKey, labelIs('new'), attribute(type, value)))).toBe(rv);
    expect(hsm.count('updateKey')).toBe(0);
  });

  test('needs a read-write session', async () => {
    const { library, privateKey } = await withKey();
    const reader = await Client.open(library, { flags: RO });
    expect(await codeOf(() => reader.set(privateKey, labelIs('x')))).toBe(ck.CKR_SESSION_READ_ONLY);
  });

  test('says when the key has no room for another tag', async () => {
    const { client, hsm, name, privateKey } = await withKey();
    const { tags } = hsm.version(name);
    const others = Object.fromEntries(
      Array.from({ length: MAX_TAGS - Object.keys(tags).length }, (_, i) => [`t${i}`, '']),
    );
    hsm.change(name, undefined, { tags: { ...tags, ...others } });
    expect(await codeOf(() => client.set(privateKey, attribute(ck.CKA_SIGN, FALSE)))).toBe(ck.CKR_DEVICE_MEMORY);
    await client.set(privateKey, labelIs('fits'));
  });
});

describe('C_DestroyObject', () => {
  const destroy = (client: Client, object: number) =>
    codeOf(() => client.application.destroyObject({ session: 1, object }));

  test('is prohibited unless the configuration allows it', async () => {
    const { client, privateKey } = await withKey();
    expect(await destroy(client, privateKey)).toBe(ck.CKR_ACTION_PROHIBITED);
    expect(await client.get(privateKey, ck.CKA_DESTROYABLE)).toEqual(FALSE);
  });

  test('deletes the key through its private object, not through the public one', async () => {
    const { client, hsm, privateKey, publicKey } = await withKey({ allowDestroy: true });
    expect(await destroy(client, publicKey)).toBe(ck.CKR_ACTION_PROHIBITED);
    expect(await client.get(privateKey, ck.CKA_DESTROYABLE)).toEqual(TRUE);
    expect(await destroy(client, privateKey)).toBe(ck.CKR_OK);
    expect(hsm.keys.size).toBe(0);
    expect(await client.find()).toEqual([]);
    expect(await destroy(client, privateKey)).toBe(ck.CKR_OBJECT_HANDLE_INVALID);
    expect(await codeOf(() => client.sign(privateKey, ck.CKM_ECDSA, EMPTY))).toBe(ck.CKR_KEY_HANDLE_INVALID);
  });

  test('needs a read-write session', async () => {
    const { library, privateKey } = await withKey({ allowDestroy: true });
    expect(await destroy(await Client.open(library, { flags: RO }), privateKey)).toBe(ck.CKR_SESSION_READ_ONLY);
  });
});
