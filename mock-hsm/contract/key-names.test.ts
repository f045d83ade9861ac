// Which key a name means.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
});

afterAll(() => pool.close());

const create = (name: string) => pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM' } });

const kidOf = async (path: string) => (await pool.call('GET', path)).body.key.kid;

describe('names compare without regard to case', () => {
  test('a create in another case is the next version, under the name as it was first written', async () => {
    await create('Mixed');
    const { kid } = (await create('mIXED')).body.key;
    expect(new URL(kid).pathname).toMatch(/^\/keys\/Mixed\//);
    for (const name of ['Mixed', 'mixed', 'MIXED']) expect(await kidOf(`/keys/${name}`)).toBe(kid);
    expect((await pool.call('GET', '/keys/mixed/versions')).body.value).toHaveLength(2);
  });

  test('a use, an update and a rotation find it', async () => {
    const { kid } = (await create('Used')).body.key;
    const value = createHash('sha256').update('m').digest('base64url');
    expect((await pool.call('POST', '/keys/USED/sign', { body: { alg: 'ES256', value } })).body.kid).toBe(kid);
    expect((await pool.call('PATCH', '/keys/uSED', { body: { tags: { a: 'b' } } })).body.key.kid).toBe(kid);
    expect(await pool.call('POST', '/keys/used/rotate')).toMatchObject({ status: 200, body: { tags: { a: 'b' } } });
  });

  test('a deleted key keeps its name from others in every case, and is recovered and purged by any', async () => {
    await create('Lost');
    expect(await pool.call('DELETE', '/keys/lost')).toMatchObject({ status: 200 });
    expect(await create('LOST')).toMatchObject({ status: 409 });
    expect(await pool.call('POST', '/deletedkeys/lOST/recover')).toMatchObject({ status: 200 });
    await pool.call('DELETE', '/keys/Lost');
    expect(await pool.call('DELETE', '/deletedkeys/LOST')).toMatchObject({ status: 204 });
    expect(await pool.call('GET', '/deletedkeys/Lost')).toMatchObject({ status: 404 });
  });
});

// The connection leaves this name as it is, since it is also a path: a real pool may have such a key.
test('PUT /keys/restore imports a key of that name, and POST to it restores a backup', {
  tags: ['own-pool'],
}, async () => {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const imported = await pool.call('PUT', '/keys/restore', { body: { key: { ...jwk, kty: 'EC-HSM' } } });
  expect(imported).toMatchObject({ status: 200, body: { key: { kty: 'EC-HSM', x: jwk.x } } });
  expect(new URL(imported.body.key.kid).pathname).toMatch(/^\/keys\/restore\/[0-9a-f]{32}$/);
  expect(await kidOf('/keys/restore')).toBe(imported.body.key.kid);
  const { value } = (await pool.call('POST', '/keys/restore/backup')).body;
  await pool.call('DELETE', '/keys/restore');
  await pool.call('DELETE', '/deletedkeys/restore');
  const restored = await pool.call('POST', '/keys/restore', { body: { value } });
  expect(restored).toMatchObject({ status: 200, body: { key: { kid: imported.body.key.kid } } });
});
