import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListBody } from './answer-body.ts';
import type { Answer } from './pool-connection.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.now();

const nowS = () => Math.floor(nowMs / 1000);

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs, tokenLifetimeS: 86_400 * 365 });
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
});

afterAll(() => pool.close());

const create = async (name: string, body: object = { kty: 'EC-HSM' }) =>
  (await pool.call('POST', `/keys/${name}/create`, { body })).body;

const versionOf = (bundle: { key: { kid: string } }) => new URL(bundle.key.kid).pathname.split('/')[3] ?? '';

describe('create', () => {
  test.each([
    [{ kty: 'RSA-HSM' }, { kty: 'RSA-HSM', e: 'AQAB' }, 'n', 256],
    [{ kty: 'RSA-HSM', key_size: 3072 }, { kty: 'RSA-HSM' }, 'n', 384],
    [{ kty: 'RSA-HSM', key_size: 4096 }, { kty: 'RSA-HSM' }, 'n', 512],
    [{ kty: 'RSA' }, { kty: 'RSA-HSM' }, 'n', 256],
    [{ kty: 'EC' }, { kty: 'EC-HSM', crv: 'P-256' }, 'x', 32],
    [{ kty: 'EC-HSM' }, { kty: 'EC-HSM', crv: 'P-256' }, 'x', 32],
    [{ kty: 'EC-HSM', crv: 'P-256K' }, { crv: 'P-256K' }, 'x', 32],
    [{ kty: 'EC-HSM', crv: 'P-384' }, { crv: 'P-384' }, 'y', 48],
    [{ kty: 'EC-HSM', crv: 'P-521' }, { crv: 'P-521' }, 'y', 66],
  ] as const)('%j answers its public half', async (request, expected, member, bytes) => {
    const { key } = await create('made', request);
    expect(key).toMatchObject(expected);
    expect(Buffer.from(key[member], 'base64url')).toHaveLength(bytes);
  });

  test('a size that the type has not is named', async () => {
    const { body } = await pool.call('POST', '/keys/sized/create', { body: { kty: 'oct', key_size: 64 } });
    expect(body.error.message).toMatch(/^Invalid key size: '64' \(Activity ID: /);
  });

  test('a call without the body it needs is Nocontentprovided', async () => {
    const answer = await pool.call('POST', '/keys/empty/create');
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'Nocontentprovided' } } });
    expect(answer.body.error.message).toMatch(/^No content provided \(/);
  });

  test('public_exponent 0 is the usual one: the SDK for Java sends it when none is named', async () => {
    const body = { kty: 'RSA-HSM', key_size: 2048, public_exponent: 0 };
    const made = await pool.call('POST', '/keys/usual-exponent/create', { body });
    expect(made).toMatchObject({ status: 200, body: { key: { e: 'AQAB' } } });
    expect(await create('usual-oct', { kty: 'oct', public_exponent: 0 })).toMatchObject({ key: { kty: 'oct-HSM' } });
  });

  test('a symmetric key shows nothing but id, type and operations', async () => {
    const { key } = await create('made-oct', { kty: 'oct-HSM', key_size: 128 });
    expect(Object.keys(key).sort()).toEqual(['key_ops', 'kid', 'kty']);
    const operations = ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey', 'sign', 'verify', 'deriveKey'];
    expect(new Set(key.key_ops)).toEqual(new Set(operations));
    const rsa = (await create('made-rsa', { kty: 'RSA-HSM' })).key.key_ops;
    expect(new Set(rsa)).toEqual(new Set(['sign', 'verify', 'encrypt', 'decrypt', 'wrapKey', 'unwrapKey']));
    expect((await create('made-ec')).key.key_ops).toEqual(['sign', 'verify', 'deriveKey']);
  });

  test('attributes and tags are kept, and what is unset is absent', async () => {
    const body = { kty: 'EC-HSM', tags: { a: 'b' }, attributes: { enabled: false, nbf: 5 }, key_ops: ['sign'] };
    const made = await create('described', body);
    expect(made).toMatchObject({ tags: { a: 'b' }, key: { key_ops: ['sign'] } });
    expect(made.attributes).toEqual({
      created: expect.any(Number),
      updated: made.attributes.created,
      enabled: false,
      exportable: false,
      nbf: 5,
      recoverableDays: expect.any(Number),
      recoveryLevel: expect.stringMatching(/^(Customized)?Recoverable(\+Purgeable)?$/),
    });
    expect(await create('plain')).not.toHaveProperty('tags');
  });

  test.each([
    ['an unknown kty', { kty: 'DSA' }],
    ['no kty', {}],
    ['a size the type has not', { kty: 'RSA-HSM', key_size: 1024 }],
    ['an unknown curve', { kty: 'EC-HSM', crv: 'P-224' }],
    ['an unknown operation', { kty: 'EC-HSM', key_ops: ['dance'] }],
    ['16 tags', { kty: 'EC-HSM', tags: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`t${i}`, ''])) }],
    ['a tag value of 257 characters', { kty: 'EC-HSM', tags: { a: 'x'.repeat(257) } }],
    ['a time that is no number', { kty: 'EC-HSM', attributes: { exp: 'tomorrow' } }],
    ['exportable without a policy', { kty: 'EC-HSM', attributes: { exportable: true } }],
  ])('%s is BadParameter', async (_what, body) => {
    const answer = await pool.call('POST', '/keys/refused/create', { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
    expect(answer.body.error.message).toContain(`(Activity ID: ${answer.headers['x-ms-request-id']})`);
  });

  test('15 tags of 256 characters fit', async () => {
    const tags = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`${i}`.padEnd(256, 'n'), 'v'.repeat(256)]));
    expect((await create('tagged', { kty: 'EC-HSM', tags })).tags).toEqual(tags);
  });

  test('malformed JSON is BadParameter', async () => {
    expect(await pool.call('POST', '/keys/refused/create', { body: '{"kty":' })).toMatchObject({ status: 400 });
  });

  test.each(['a_b', 'a.b', 'x'.repeat(128), 'x'.repeat(8000), '%20', '%zz', '%C3%A4', '%00'])(
    'the name %j is an invalid key identifier',
    async (name) => {
      const answer = await pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM' } });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'Invalidkeyidentifier' } } });
    },
  );
});

describe('versions', () => {
  test('no version, a trailing slash and the newest version are the same key; an older one stays', async () => {
    const [first, second] = [await create('twice'), await create('twice')];
    for (const path of ['/keys/twice', '/keys/twice/', '/keys/TWICE', `/keys/twice/${versionOf(second)}`]) {
      expect((await pool.call('GET', path)).body.key.kid).toBe(second.key.kid);
    }
    const old = await pool.call('GET', `/keys/twice/${versionOf(first)}`);
    expect(old.body.key.kid).toBe(first.key.kid);
    const { value } = (await pool.call<ListBody>('GET', '/keys/twice/versions')).body;
    expect(value.map(({ kid }) => kid)).toEqual([first.key.kid, second.key.kid]);
  });

  test('a list item has the times of the newest version and an id without version', async () => {
    await create('aged', { kty: 'EC-HSM', tags: { age: '1' } });
    nowMs += 10_000;
    const { attributes } = await create('aged', { kty: 'EC-HSM', tags: { age: '2' } });
    const item = (await allKeys()).find(({ kid }) => kid.endsWith('/keys/aged'));
    expect(item).toEqual({ attributes, kid: `${pool.hsm.url}/keys/aged`, tags: { age: '2' } });
  });

  test.each([
    ['GET', '/keys/none', '/keys/none'],
    ['GET', `/keys/twice/${'0'.repeat(32)}`, `/keys/twice/${'0'.repeat(32)}`],
    ['DELETE', '/keys/none', '/keys/none'],
    ['POST', '/keys/none/backup', '/keys/none'],
    ['GET', '/deletedkeys/none', '/deletedkeys/none'],
    ['POST', '/deletedkeys/none/recover', '/deletedkeys/none'],
  ])('%s %s is KeyNotFound, with the URL of the key', async (method, path, missing) => {
    const { status, headers, body } = await pool.call(method, path);
    const message = `Key not found: ${pool.hsm.url}${missing} (Activity ID: ${headers['x-ms-request-id']})`;
    expect({ status, body }).toEqual({ status: 404, body: { error: { code: 'KeyNotFound', message } } });
  });

  test('a rotation of what is not there says so twice, and its versions are none', async () => {
    const { body } = await pool.call('POST', '/keys/none/rotate');
    expect(body.error.message).toContain(`Key not found: Key not found: ${pool.hsm.url}/keys/none (`);
    expect(await pool.call('GET', '/keys/none/versions')).toMatchObject({ status: 200, body: { value: [] } });
  });

  test('rotate makes a new version of the same kind with the same tags', async () => {
    const old = await create('turning', { kty: 'EC-HSM', crv: 'P-384', tags: { a: 'b' }, key_ops: ['sign'] });
    const rotated = (await pool.call('POST', '/keys/turning/rotate')).body;
    expect(rotated).toMatchObject({ key: { crv: 'P-384', key_ops: ['sign'] }, tags: { a: 'b' } });
    expect(rotated.key.x).not.toBe(old.key.x);
  });
});

async function allKeys(query = '', path = '/keys'): Promise<{ kid: string; tags?: object }[]> {
  const items = [];
  let next: string | undefined = `${path}?api-version=7.4${query}`;
  while (next !== undefined) {
    const { body }: Answer<ListBody> = await pool.call('GET', next);
    items.push(...body.value);
    next = body.nextLink === undefined ? undefined : body.nextLink.slice(pool.hsm.url.length);
  }
  return items;
}

test('pages of any size give every key once, and the last has no nextLink', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, i) => create(`page-${i}`)));
  const whole = (await allKeys()).map(({ kid }) => kid);
  expect(whole.length).toBeGreaterThan(30);
  expect(new Set(whole).size).toBe(whole.length);
  expect((await allKeys('&maxresults=7')).map(({ kid }) => kid)).toEqual(whole);
  expect((await pool.call('GET', '/keys')).body.value).toHaveLength(25);
  expect(await pool.call('GET', '/keys?api-version=7.4&maxresults=26')).toMatchObject({ status: 400 });
});

describe('update', () => {
  test('changes what is named and leaves the rest', async () => {
    await create('changing', { kty: 'EC-HSM', tags: { a: '1' }, attributes: { exp: 4_000_000_000 } });
    const body = { tags: { b: '2' }, attributes: { enabled: false } };
    const changed = (await pool.call('PATCH', '/keys/changing/', { body })).body;
    expect(changed).toMatchObject({
      tags: { b: '2' },
      attributes: { enabled: false, exp: 4_000_000_000 },
    });
    expect(changed.tags).not.toHaveProperty('a');
    expect((await pool.call('GET', '/keys/changing')).body).toEqual(changed);
    const cleared = (await pool.call('PATCH', '/keys/changing', { body: { tags: {} } })).body;
    expect(cleared).not.toHaveProperty('tags');
  });

  test('notes its time, and leaves that of the making', { tags: ['clock'] }, async () => {
    const start = nowS();
    expect((await create('dated')).attributes).toMatchObject({ created: start, updated: start });
    nowMs += 5_000;
    const { attributes } = (await pool.call('PATCH', '/keys/dated', { body: { attributes: { exp: 4_000_000_000 } } }))
      .body;
    expect(attributes).toMatchObject({ created: start, updated: start + 5 });
  });
});

describe('delete', () => {
  test('a deleted key can be seen, recovered, deleted again and purged', async () => {
    const { key } = await create('fading');
    const deleted = (await pool.call('DELETE', '/keys/fading')).body;
    expect(deleted).toMatchObject({
      key: { kid: key.kid },
      recoveryId: `${pool.hsm.url}/deletedkeys/fading`,
    });
    const { recoverableDays } = deleted.attributes;
    expect(deleted.scheduledPurgeDate - deleted.deletedDate).toBe(recoverableDays * 86_400);
    expect(await pool.call('GET', '/keys/fading')).toMatchObject({ status: 404 });
    expect((await pool.call('GET', '/deletedkeys/fading')).body).toEqual(deleted);
    const listed = (await allKeys('', '/deletedkeys')).filter(({ kid }) => kid.endsWith('/keys/fading'));
    const { key: _key, ...members } = deleted;
    expect(listed).toEqual([{ ...members, kid: `${pool.hsm.url}/keys/fading` }]);
    expect(await pool.call('POST', '/keys/fading/create', { body: { kty: 'EC-HSM' } })).toMatchObject({
      status: 409,
      body: { error: { code: 'Conflict', innererror: { code: 'ObjectIsDeletedButRecoverable' } } },
    });
    expect((await pool.call('POST', '/deletedkeys/fading/recover')).body.key).toEqual(key);
    await pool.call('DELETE', '/keys/fading');
    expect(await pool.call('DELETE', '/deletedkeys/fading')).toMatchObject({ status: 204, body: '' });
    expect(await pool.call('GET', '/deletedkeys/fading')).toMatchObject({ status: 404 });
    expect(await create('fading')).toHaveProperty('key');
  });

  test('a deleted key is gone when its time is over', { tags: ['clock'] }, async () => {
    await create('expiring');
    const { deletedDate, scheduledPurgeDate } = (await pool.call('DELETE', '/keys/expiring')).body;
    expect([deletedDate, scheduledPurgeDate]).toEqual([nowS(), nowS() + 90 * 86_400]);
    nowMs += 90 * 86_400_000 - 1000;
    expect(await pool.call('GET', '/deletedkeys/expiring')).toMatchObject({ status: 200 });
    nowMs += 1000;
    expect(await pool.call('GET', '/deletedkeys/expiring')).toMatchObject({ status: 404 });
  });
});

test('a backup restores all versions under their old ids, after a purge and in this pool alone', async () => {
  await create('saved');
  const { key } = await create('saved', { kty: 'EC-HSM', tags: { a: 'b' } });
  const { value } = (await pool.call('POST', '/keys/saved/backup')).body;
  const restore = () => pool.call('POST', '/keys/restore', { body: { value } });
  expect(await restore()).toMatchObject({ status: 409 });
  await pool.call('DELETE', '/keys/saved');
  expect(await restore()).toMatchObject({ status: 409 });
  await pool.call('DELETE', '/deletedkeys/saved');
  expect((await restore()).body).toMatchObject({ key, tags: { a: 'b' } });
  expect((await pool.call('GET', '/keys/saved/versions')).body.value).toHaveLength(2);
  const broken = `${value.slice(0, -8)}AAAAAAAA`;
  expect(await pool.call('POST', '/keys/restore', { body: { value: broken } })).toMatchObject({
    status: 400,
    body: { error: { code: 'MalformedBackupBlob' } },
  });
});

test('an imported key is the key that was given', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const { d, x, y } = privateKey.export({ format: 'jwk' });
  const key = { kty: 'EC-HSM', crv: 'P-256K', d, x, y };
  const imported = await pool.call('PUT', '/keys/brought', { body: { Hsm: true, key, tags: { from: 'outside' } } });
  expect(imported).toMatchObject({ status: 200, body: { key: { kty: 'EC-HSM', crv: 'P-256K', x, y } } });
  expect(imported.body.key).not.toHaveProperty('d');
  const wrong = { kty: 'EC-HSM', crv: 'P-256', d, x, y };
  expect(await pool.call('PUT', '/keys/brought', { body: { key: wrong } })).toMatchObject({ status: 400 });
  const long = { kty: 'oct-HSM', k: Buffer.alloc(65).toString('base64url') };
  expect((await pool.call('PUT', '/keys/brought', { body: { key: long } })).body.error.message).toContain('64 bytes');
});

test('a rotation policy is kept, and rotation takes the expiry from it', async () => {
  await create('policed');
  const body = {
    attributes: { expiryTime: 'P90D' },
    lifetimeActions: [{ trigger: { timeAfterCreate: 'P30D' }, action: { type: 'Rotate' } }],
  };
  const put = await pool.call('PUT', '/keys/policed/rotationpolicy', { body });
  expect(put).toMatchObject({ status: 200, body: { attributes: body.attributes } });
  // Pools answer the type in small letters, however it was written.
  expect(put.body.lifetimeActions).toEqual([{ action: { type: 'rotate' }, trigger: { timeAfterCreate: 'P30D' } }]);
  expect((await pool.call('GET', '/keys/policed/rotationpolicy')).body).toEqual(put.body);
  const { created, exp } = (await pool.call('POST', '/keys/policed/rotate')).body.attributes;
  expect(exp - created).toBe(90 * 86_400);
});

describe('api-version', () => {
  test.each(['7.0', '7.2-preview', '7.4-preview.1', '7.6', '2025-07-01'])('%s is answered', async (version) => {
    expect(await pool.call('GET', `/keys?api-version=${version}`)).toMatchObject({ status: 200 });
  });

  test('its name may be percent-encoded', async () => {
    expect(await pool.call('GET', '/keys?api%2Dversion=2025-07-01')).toMatchObject({ status: 200 });
  });

  test.each(['/keys?x=y', '/keys?api-version=1.0', '/keys?api-version='])('%s is BadParameter', async (path) => {
    expect(await pool.call('GET', path)).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
  });
});

test('random bytes come in the number asked for, 1 to 128', async () => {
  const { body } = await pool.call('POST', '/rng', { body: { count: 128 } });
  expect(Buffer.from(body.value, 'base64url')).toHaveLength(128);
  for (const count of [0, 129, 1.5, '4', undefined]) {
    expect(await pool.call('POST', '/rng', { body: { count } })).toMatchObject({ status: 400 });
  }
  expect((await pool.call('POST', '/rng', { body: { count: -1 } })).body.error).toMatchObject({
    code: 'BadParameter',
    message: expect.stringMatching(/^GetRandomBytesRequest: count cannot be greater than 128 or less than 1 \(/),
  });
});

test('an unknown path below /keys is an invalid key identifier', async () => {
  const answer = await pool.call('GET', '/keys/a/b/c/d');
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 'Invalidkeyidentifier' } } });
});
