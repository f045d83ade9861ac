import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { ofText, ofUlong } from '../tags/values.ts';
import { bitsOf, handleOf } from './handles.ts';
import type { HsmIdentity, KeySummary } from './hsm.ts';
import { KeyCatalogue } from './key-catalogue.ts';
import type { MemoryHsm } from './memory-hsm.ts';
import { attribute, Client, classIs, codeOf, labelIs, setUp } from './test-client.ts';

const PRIVATE = classIs(ck.CKO_PRIVATE_KEY);
const message = ofText('message');
const ecdsa = ck.CKM_ECDSA_SHA256;

async function withKey() {
  const setup = setUp();
  const first = setup.hsm.addKey({ name: 'web' });
  const client = await Client.open(setup.library);
  const handle = await client.findOne(PRIVATE);
  setup.hsm.requests.length = 0;
  return { ...setup, client, first, handle };
}

/** Which version of a key made the signature. */
function signer(hsm: MemoryHsm, name: string, signature: Uint8Array): string | undefined {
  return hsm.keys
    .get(name)
    ?.find(({ privateKey }) =>
      verify('sha256', message, { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' }, signature),
    )?.version;
}

describe('a handle given out before its key was rotated', () => {
  test('keeps meaning the older version, and a search finds the newer one', async () => {
    const { client, hsm, first, handle } = await withKey();
    const second = hsm.rotate('web');
    await client.application.findObjectsInit({ session: 1, template: [labelIs('nothing')] });
    client.application.findObjectsFinal({ session: 1 });
    const newer = await client.findOne(PRIVATE);
    expect(newer).not.toBe(handle);
    expect(signer(hsm, 'web', await client.sign(handle, ecdsa, message))).toBe(first.version);
    expect(signer(hsm, 'web', await client.sign(newer, ecdsa, message))).toBe(second.version);
  });

  test('means it in another process that never saw the older version', async () => {
    const { hsm, first, handle } = await withKey();
    hsm.rotate('web');
    hsm.rotate('web');
    const next = await Client.open(setUp(hsm).library);
    expect(signer(hsm, 'web', await next.sign(handle, ecdsa, message))).toBe(first.version);
    hsm.requests.length = 0;
    await next.sign(handle, ecdsa, message);
    expect(hsm.requests).toHaveLength(1);
  });

  test('means it although the key was found, but not yet read, before the rotation', async () => {
    const { hsm, library } = setUp();
    const tags = { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01' };
    const first = hsm.addKey({ name: 'web', tags });
    const client = await Client.open(library);
    const handle = await client.findOne(PRIVATE);
    hsm.rotate('web');
    expect(signer(hsm, 'web', await client.sign(handle, ecdsa, message))).toBe(first.version);
  });
});

describe('a handle that nobody has', () => {
  test('is looked for in a fresh list once, and not again while the list stays the same', async () => {
    const { client, hsm, handle } = await withKey();
    for (let i = 0; i < 3; i += 1) {
      expect(await codeOf(() => client.sign(handle + 4, ecdsa, message))).toBe(ck.CKR_KEY_HANDLE_INVALID);
    }
    expect(hsm.count('listKeys')).toBe(1);
  });

  test('in a list from before the question is not taken for known: its key may be new', async () => {
    const { hsm } = setUp();
    hsm.addKey({ name: 'web' });
    const identity = hsm.identityOfPin(ofText('client:secret'));
    let spares = true;
    const listKeys: HsmIdentity['listKeys'] = ({ fresh = false, sparing = false, onListed, onSpared } = {}) => {
      if (sparing && spares) onSpared?.();
      return identity.listKeys({ fresh: fresh && !(sparing && spares), onListed });
    };
    const catalogue = new KeyCatalogue(Object.assign(Object.create(identity), { listKeys }), () => undefined);
    await catalogue.refresh();
    const { name, created } = hsm.addKey({ name: 'new' });
    const handle = handleOf(name, created, 'private');
    expect(await catalogue.resolve(handle)).toBeUndefined();
    spares = false;
    expect((await catalogue.resolve(handle))?.key.name).toBe('new');
  });

  test('of a key deleted elsewhere stops working once the list says so', async () => {
    const { client, hsm, handle } = await withKey();
    hsm.keys.delete('web');
    await client.find(labelIs('nothing'));
    expect(await codeOf(() => client.sign(handle, ecdsa, message))).toBe(ck.CKR_KEY_HANDLE_INVALID);
  });

  test('of a version that is gone while the key stays is invalid too', async () => {
    const { hsm, library } = setUp();
    const tags = { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01' };
    hsm.addKey({ name: 'web', tags });
    const client = await Client.open(library);
    const handle = await client.findOne(PRIVATE);
    hsm.keys.delete('web');
    hsm.addKey({ name: 'web', tags });
    expect(await codeOf(() => client.sign(handle, ecdsa, message))).toBe(ck.CKR_KEY_HANDLE_INVALID);
  });
});

test('the material of a version is read once, however many ask at the same time', async () => {
  const { hsm, library } = setUp();
  hsm.addKey({ name: 'web', tags: { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01' } });
  const clients = await Promise.all([1, 2, 3].map(() => Client.open(library)));
  const [handle = 0] = (await clients[0]?.find(PRIVATE)) ?? [];
  await Promise.all(clients.map((client) => client.sign(handle, ecdsa, message)));
  expect(hsm.count('getKey')).toBe(1);
});

test('a key whose material could not be read is read at the next try', async () => {
  const { hsm, library } = setUp();
  hsm.addKey({ name: 'web', tags: { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01' } });
  const client = await Client.open(library);
  const handle = await client.findOne(PRIVATE);
  hsm.fail('getKey', new Pkcs11Error(ck.CKR_DEVICE_ERROR, 'away'));
  expect(await codeOf(() => client.sign(handle, ecdsa, message))).toBe(ck.CKR_DEVICE_ERROR);
  hsm.fail('getKey', undefined);
  expect(await client.sign(handle, ecdsa, message)).toHaveLength(64);
});

test('a change of the operations of a key of others is seen with the next list', async () => {
  const { client, hsm, handle } = await withKey();
  expect(await codeOf(() => client.sign(handle, ecdsa, message))).toBe(ck.CKR_OK);
  hsm.change('web', undefined, { operations: ['verify'] });
  await client.find(labelIs('nothing'));
  expect(await codeOf(() => client.sign(handle, ecdsa, message))).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
});

/** Two names with the same bits in a handle. */
function namesAlike(): [string, string] {
  const seen = new Map<number, string>();
  for (let i = 0; ; i += 1) {
    const name = `key-${i}`;
    const { nameBits } = bitsOf(name, 0);
    const earlier = seen.get(nameBits);
    if (earlier !== undefined) return [earlier, name];
    seen.set(nameBits, name);
  }
}

/** Two keys whose handles are the same: the names found by trying, the times by their distance. */
function keysAlike() {
  const [a, b] = namesAlike();
  const created = 2 ** 24;
  const distance = bitsOf(a, 0).versionBits - bitsOf(b, 0).versionBits;
  return [
    { name: a, created },
    { name: b, created: created + distance },
  ] as const;
}

test('of two keys with one handle the first by name is shown, whatever their order, and a line tells of the other', async () => {
  const [a, b] = keysAlike();
  const rest = { updated: 0, enabled: true, notBefore: undefined, expires: undefined };
  const tags = { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01' };
  const [shown = '', hidden] = [a.name, b.name].sort();
  for (const keys of [
    [a, b],
    [b, a],
  ]) {
    const warnings: string[] = [];
    let list = keys.map((key) => ({ ...key, ...rest, tags }));
    const identity = { name: 'client', listKeys: async () => list } as unknown as HsmIdentity;
    const catalogue = new KeyCatalogue(identity, (line) => warnings.push(line));
    await catalogue.refresh();
    const found = await catalogue.presentable();
    expect(found.map(({ name }) => name)).toEqual([shown]);
    expect(catalogue.known(found[0]?.privateObject.handle ?? 0)?.key.name).toBe(shown);
    expect(warnings).toEqual([expect.stringContaining(`key ${hidden} is left out`)]);
    // After the first was deleted.
    list = list.filter(({ name }) => name !== shown);
    await catalogue.refresh({ fresh: true });
    expect((await catalogue.presentable()).map(({ name }) => name)).toEqual([hidden]);
  }
});

test('a tag that is no text damages its key when it is ours, is a line when it is not, and no other key suffers', async () => {
  const warnings: string[] = [];
  const rest = { created: 1, updated: 1, enabled: true, notBefore: undefined, expires: undefined };
  const tags = { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01' };
  const list: KeySummary[] = [
    { name: 'good', ...rest, tags },
    { name: 'ours', ...rest, tags, oddTags: { p11_pri_CKA_LABEL: '7' } },
    { name: 'theirs', ...rest, tags, oddTags: { cost: '{"centre":1}' } },
  ];
  const identity = { name: 'client', listKeys: async () => [...list] } as unknown as HsmIdentity;
  const catalogue = new KeyCatalogue(identity, (line) => warnings.push(line));
  for (let i = 0; i < 2; i += 1) {
    await catalogue.refresh();
    expect((await catalogue.presentable()).map(({ name }) => name)).toEqual(['good', 'theirs']);
  }
  expect(warnings).toEqual([
    'key ours is left out, its tag p11_pri_CKA_LABEL is damaged: "7" is not a JSON string (identity client)',
    'key theirs has a tag "cost" that is no text but {"centre":1}; it is not looked at (identity client)',
  ]);
});

test('a type that a tag claims and the key contradicts is told once, and the key counts', async () => {
  const { hsm, library, warnings } = setUp();
  const tags = { p11_pri_CKA_KEY_TYPE: 'RSA', p11_pri_CKA_ID: '01', p11_pri_CKA_CLASS: 'CKO_CERTIFICATE' };
  hsm.addKey({ name: 'web', tags });
  const client = await Client.open(library);
  const handle = await client.findOne(PRIVATE);
  for (let i = 0; i < 2; i += 1) expect(await client.sign(handle, ecdsa, message)).toHaveLength(64);
  expect(await client.findOne(PRIVATE, attribute(ck.CKA_KEY_TYPE, ofUlong(ck.CKK_EC)))).toBe(handle);
  expect(warnings).toEqual([
    'key web is CKK_ECDSA 0x3, its tag p11_pri_CKA_KEY_TYPE says CKK_RSA 0x0; the key itself counts, correct the tag (identity client)',
  ]);
});

test('a label with NUL and control characters is given as it is', async () => {
  const { hsm, library, warnings } = setUp();
  const label = 'a\u0000b\u001b[31m\n';
  hsm.addKey({ name: 'web', tags: { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: '01', p11_pri_CKA_LABEL: label } });
  const client = await Client.open(library);
  expect(await client.find(PRIVATE, labelIs(label))).toHaveLength(1);
  expect(warnings).toEqual([]);
});

test('a search over thousands of keys of ours asks for the list alone, and looks a handle up at once', async () => {
  const { hsm, library } = setUp();
  for (let i = 0; i < 3000; i += 1) {
    const id = i.toString(16).padStart(4, '0');
    hsm.addKey({
      name: `key-${i}`,
      tags: { p11_pri_CKA_KEY_TYPE: 'EC', p11_pri_CKA_ID: id, p11_pri_CKA_LABEL: `l${i}` },
      symmetric: true,
    });
  }
  const client = await Client.open(library);
  expect(await client.find(PRIVATE, labelIs('l2999'))).toHaveLength(1);
  expect(await client.find()).toHaveLength(6000);
  expect(hsm.requests).toEqual(['authenticate', 'listKeys']);
});
