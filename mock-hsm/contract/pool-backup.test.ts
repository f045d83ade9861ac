// @module-tag own-pool
// Backup and restore of the whole pool, and of one key from it.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListBody } from './answer-body.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs, tokenLifetimeS: 86_400 * 365 });
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
});

afterAll(() => pool.close());

const create = async (name: string) =>
  (await pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM', tags: { name } } })).body;

const container = { storageResourceUri: 'https://store.blob.core.windows.net/backups', token: 'sv=2020&sig=x' };

const passJob = () => {
  nowMs += 1500;
};

const backup = () => pool.asAdmin('POST', '/backup', container);

/** Backs up and waits. @returns the folder's name */
async function backedUp(): Promise<string> {
  const { headers } = await backup();
  passJob();
  const { body } = await pool.asAdmin('GET', pathOf(headers['azure-asyncoperation']));
  return body.azureStorageBlobContainerUri.split('/').at(-1) ?? '';
}

const pathOf = (url: unknown) => new URL(String(url)).pathname;

const restore = (folderToRestore: string, from: object = container) =>
  pool.asAdmin('PUT', '/restore', { sasTokenParameters: from, folderToRestore });

const restoreKey = (name: string, folder: string) =>
  pool.asAdmin('PUT', `/keys/${name}/restore`, { sasTokenParameters: container, folder });

/** The last status of a restore of one key. */
async function restoredKey(name: string, folder: string) {
  const { status, headers } = await restoreKey(name, folder);
  expect(status).toBe(202);
  passJob();
  return (await pool.asAdmin('GET', pathOf(headers['azure-asyncoperation']))).body;
}

const liveKeys = async () =>
  (await pool.call<ListBody>('GET', '/keys')).body.value.map(({ kid }) => kid.split('/').at(-1));

const jobShape = (status: string) => ({ jobId: expect.stringMatching(/^[0-9a-f]{32}$/), status, statusDetails: null });

describe('a backup', () => {
  test('is a job that is polled until it tells the folder', async () => {
    const started = await backup();
    const startTime = nowMs / 1000;
    expect(started).toMatchObject({ status: 202, headers: { 'retry-after': '10' } });
    expect(Object.keys(started.body)).toEqual([
      ...['status', 'statusDetails', 'error', 'startTime', 'endTime', 'jobId', 'azureStorageBlobContainerUri'],
    ]);
    expect(started.body).toEqual({
      ...jobShape('InProgress'),
      azureStorageBlobContainerUri: null,
      startTime,
      endTime: null,
      error: null,
    });
    const status = pathOf(started.headers['azure-asyncoperation']);
    expect(status).toBe(`/backup/${started.body.jobId}/pending`);
    expect((await pool.asAdmin('GET', status)).body).toEqual(started.body);
    passJob();
    expect((await pool.asAdmin('GET', status)).body).toEqual({
      ...jobShape('Succeeded'),
      azureStorageBlobContainerUri: `${container.storageResourceUri}/mhsm-localhost-2026010100000000`,
      startTime,
      endTime: startTime + 1,
      error: null,
    });
  });

  test('brings back what was deleted and purged, and takes away what came later', async () => {
    const kept = await create('kept');
    await create('doomed');
    await create('deleted');
    await pool.call('DELETE', '/keys/deleted');
    const folder = await backedUp();
    for (const name of ['kept', 'doomed']) {
      await pool.call('DELETE', `/keys/${name}`);
      await pool.call('DELETE', `/deletedkeys/${name}`);
    }
    await pool.call('POST', '/deletedkeys/deleted/recover');
    await create('later');
    expect(await restore(folder)).toMatchObject({ status: 202, body: jobShape('InProgress') });
    passJob();
    expect(await liveKeys()).toEqual(['doomed', 'kept']);
    expect((await pool.call('GET', '/keys/kept')).body).toEqual(kept);
    expect(await pool.call('GET', '/deletedkeys/deleted')).toMatchObject({ status: 200 });
    const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
    expect(await pool.call('POST', '/keys/kept/sign', { body })).toMatchObject({ status: 200 });
  });

  test('holds roles, too', async () => {
    const guid = randomUUID();
    const path = `/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
    const properties = {
      roleName: 'Own',
      description: '',
      permissions: [{ dataActions: [] }],
      assignableScopes: ['/'],
    };
    await pool.asAdmin('PUT', path, { properties });
    const folder = await backedUp();
    await pool.asAdmin('DELETE', path);
    await restore(folder);
    passJob();
    expect(await pool.asAdmin('GET', path)).toMatchObject({ status: 200, body: { properties: { roleName: 'Own' } } });
  });

  test('gives back one key alone', async () => {
    await create('single');
    await create('other');
    const folder = await backedUp();
    await create('single');
    await pool.call('DELETE', '/keys/other');
    await pool.call('DELETE', '/deletedkeys/other');
    expect((await restoredKey('single', folder)).statusDetails).toBe(
      'Number of successful key versions restored: 0, Number of key versions could not overwrite: 1',
    );
    expect((await pool.call('GET', '/keys/single/versions')).body.value).toHaveLength(2);
    expect(await pool.call('GET', '/keys/other')).toMatchObject({ status: 404 });
    expect((await restoredKey('other', folder)).statusDetails).toBe(
      'Number of successful key versions restored: 1, Number of key versions could not overwrite: 0',
    );
    expect(await pool.call('GET', '/keys/other')).toMatchObject({ status: 200 });
  });

  test('gives back old versions of a key beside its new ones, which stay the newest', async () => {
    const old = await create('remade');
    const folder = await backedUp();
    await pool.call('DELETE', '/keys/remade');
    await pool.call('DELETE', '/deletedkeys/remade');
    const remade = await create('remade');
    await restoredKey('remade', folder);
    expect((await pool.call('GET', '/keys/remade')).body).toEqual(remade);
    const { value } = (await pool.call<ListBody>('GET', '/keys/remade/versions')).body;
    expect(value.map(({ kid }) => kid)).toEqual([old.key.kid, remade.key.kid]);
  });

  test('that does not hold the key lets the job fail', async () => {
    const message = 'The given key or its versions NOT found';
    expect(await restoredKey('nothing', await backedUp())).toMatchObject({
      status: 'Failed',
      error: { code: 'No key versions are updated', innererror: null, message },
      statusDetails: message,
    });
  });
});

test('the link of a job is followed as it is, without api-version', async () => {
  const link = String((await backup()).headers['azure-asyncoperation']);
  passJob();
  expect(new URL(link).search).toBe('');
  expect(await pool.asAdmin('GET', `${pathOf(link)}?`)).toMatchObject({ status: 200, body: jobShape('Succeeded') });
  expect(await pool.asAdmin('GET', `${pathOf(link)}?api-version=1.0`)).toMatchObject({ status: 400 });
});

describe('one job at a time', () => {
  test('a second backup or restore waits its turn', async () => {
    const folder = await backedUp();
    await backup();
    for (const second of [await backup(), await restore(folder), await restoreKey('kept', folder)]) {
      expect(second).toMatchObject({ status: 409, body: { error: { code: 'Conflict' } } });
    }
    passJob();
    expect(await backup()).toMatchObject({ status: 202 });
    passJob();
  });
});

test('a full restore needs a backup of the last 30 minutes; that of one key does not', async () => {
  await create('recent');
  const folder = await backedUp();
  nowMs += 31 * 60_000;
  expect(await restore(folder)).toMatchObject({ status: 409 });
  expect(await restoreKey('recent', folder)).toMatchObject({ status: 202 });
  passJob();
  await backedUp();
  expect(await restore(folder)).toMatchObject({ status: 202 });
  passJob();
});

test('a managed identity stands in for a token', async () => {
  const { storageResourceUri } = container;
  expect(await pool.asAdmin('POST', '/backup', { storageResourceUri, useManagedIdentity: true })).toMatchObject({
    status: 202,
  });
  passJob();
});

test('the checks before backup and restore are jobs, for api-versions that know them', async () => {
  const folderToRestore = await backedUp();
  const check = (method: string, path: string, body: object) => pool.asAdmin(method, `${path}?api-version=7.6`, body);
  const before = await check('POST', '/prebackup', container);
  expect(before).toMatchObject({ status: 202, body: jobShape('InProgress') });
  passJob();
  const body = { sasTokenParameters: container, folderToRestore };
  expect(await check('PUT', '/prerestore', body)).toMatchObject({ status: 202 });
  passJob();
  expect(await check('PUT', '/prerestore', { ...body, folderToRestore: 'none' })).toMatchObject({ status: 400 });
  expect(await pool.asAdmin('POST', '/prebackup', container)).toMatchObject({ status: 400 });
});

test.each<[string, string, string, object]>([
  ['a backup to nowhere', 'POST', '/backup', {}],
  ['a backup over plain HTTP', 'POST', '/backup', { ...container, storageResourceUri: 'http://store/x' }],
  ['a backup without a token', 'POST', '/backup', { storageResourceUri: container.storageResourceUri }],
  [
    'a restore of a folder that is not there',
    'PUT',
    '/restore',
    { sasTokenParameters: container, folderToRestore: 'x' },
  ],
  ['a restore of a path', 'PUT', '/restore', { sasTokenParameters: container, folderToRestore: '../x' }],
  ['a restore from nowhere', 'PUT', '/restore', { folderToRestore: 'x' }],
  ['a restore of one key without a folder', 'PUT', '/keys/kept/restore', { sasTokenParameters: container }],
])('%s is BadParameter', async (_what, method, path, body) => {
  expect(await pool.asAdmin(method, path, body)).toMatchObject({
    status: 400,
    body: { error: { code: 'BadParameter' } },
  });
});

test('a job that there is not is not found, and a backup is no restore', async () => {
  const { jobId } = (await backup()).body;
  passJob();
  for (const path of [`/restore/${jobId}/pending`, `/backup/${randomUUID()}/pending`]) {
    const { status, body } = await pool.asAdmin('GET', path);
    const error = { code: 'NotFound', innererror: null, message: 'The given jobId is not found' };
    expect({ status, body }).toEqual({ status: 404, body: { error } });
  }
});
