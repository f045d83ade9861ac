// Rotation policies and what they do as the pool's clock goes on.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListBody } from './answer-body.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.UTC(2026, 0, 1);

const dayMs = 86_400_000;
const nowS = () => Math.floor(nowMs / 1000);

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs, tokenLifetimeS: 86_400 * 36_500 });
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
});

afterAll(() => pool.close());

const create = async (name: string, body: object = {}) =>
  (await pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM', ...body } })).body;

const setPolicy = (name: string, trigger: object, expiryTime?: string) =>
  pool.call('PUT', `/keys/${name}/rotationpolicy`, {
    body: {
      lifetimeActions: [{ trigger, action: { type: 'rotate' } }],
      ...(expiryTime === undefined ? {} : { attributes: { expiryTime } }),
    },
  });

const versionsOf = async (name: string) => (await pool.call<ListBody>('GET', `/keys/${name}/versions`)).body.value;

const createdOf = async (name: string) => (await versionsOf(name)).map(({ attributes }) => attributes.created);

test('a key without a policy answers one that says nothing', async () => {
  await create('bare');
  expect((await pool.call('GET', '/keys/bare/rotationpolicy')).body).toEqual({
    attributes: { created: 0, expiryTime: '', updated: 0 },
    id: '',
  });
});

test('a policy is answered as it was set, in small letters, and a new one takes its place', async () => {
  await create('policed');
  const first = (await setPolicy('policed', { timeBeforeExpiry: 'P30D' }, 'P1Y')).body;
  expect(first).toEqual({
    id: `${pool.hsm.url}/keys/policed/rotationpolicy`,
    attributes: { created: expect.any(Number), expiryTime: 'P1Y', updated: first.attributes.created },
    lifetimeActions: [{ action: { type: 'rotate' }, trigger: { timeBeforeExpiry: 'P30D' } }],
  });
  const body = { lifetimeActions: [] };
  const second = (await pool.call('PUT', '/keys/policed/rotationpolicy', { body })).body;
  expect(second.attributes).toMatchObject({ created: first.attributes.created, expiryTime: '' });
  expect(second).not.toHaveProperty('lifetimeActions');
  expect((await pool.call('GET', '/keys/policed/rotationpolicy')).body).toEqual(second);
});

test.each<[string, object]>([
  ['Notify', { lifetimeActions: [{ trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'Notify' } }] }],
  ['an expiry under 28 days', { attributes: { expiryTime: 'P20D' } }],
  ['an action without trigger', { lifetimeActions: [{ action: { type: 'Rotate' } }] }],
  ['what is no list', { lifetimeActions: {} }],
])('a policy with %s is BadParameter', async (_what, body) => {
  await create('refusing');
  expect(await pool.call('PUT', '/keys/refusing/rotationpolicy', { body })).toMatchObject({
    status: 400,
    body: { error: { code: 'BadParameter' } },
  });
});

test('a policy keeps the time when it was first set, beside that of the last change', { tags: ['clock'] }, async () => {
  await create('dated');
  const start = nowS();
  await setPolicy('dated', { timeBeforeExpiry: 'P30D' }, 'P1Y');
  nowMs += 5000;
  expect((await setPolicy('dated', { timeBeforeExpiry: 'P20D' }, 'P1Y')).body.attributes).toEqual({
    created: start,
    expiryTime: 'P1Y',
    updated: start + 5,
  });
});

describe('the clock rotates a key', { tags: ['clock'] }, () => {
  test('when its time after creation is over, and not before', async () => {
    const start = nowS();
    const old = await create('aging', { tags: { a: 'b' }, key_ops: ['sign'] });
    await setPolicy('aging', { timeAfterCreate: 'P30D' }, 'P90D');
    nowMs += 30 * dayMs - 1000;
    expect(await createdOf('aging')).toEqual([start]);
    nowMs += 5000;
    const rotated = (await pool.call('GET', '/keys/aging')).body;
    expect(rotated).toMatchObject({
      attributes: { created: start + 30 * 86_400, exp: start + 120 * 86_400, enabled: true },
      key: { key_ops: ['sign'] },
      tags: { a: 'b' },
    });
    expect(rotated.key.x).not.toBe(old.key.x);
  });

  test('before it expires', async () => {
    const exp = nowS() + 60 * 86_400;
    await create('ending', { attributes: { exp } });
    await setPolicy('ending', { timeBeforeExpiry: 'P10D' }, 'P60D');
    nowMs += 50 * dayMs;
    const { attributes } = (await pool.call('GET', '/keys/ending')).body;
    expect(attributes).toMatchObject({ created: exp - 10 * 86_400, exp: exp + 50 * 86_400 });
  });

  test('once for every period that was missed, each at its time', async () => {
    const start = nowS();
    await create('missed');
    await setPolicy('missed', { timeAfterCreate: 'P10D' });
    nowMs += 35 * dayMs;
    expect(await createdOf('missed')).toEqual([0, 10, 20, 30].map((days) => start + days * 86_400));
  });

  test('before requests to the pool, and not before those to the mock itself', async () => {
    const start = nowS();
    await create('watched');
    await setPolicy('watched', { timeAfterCreate: 'P10D' });
    nowMs += 12 * dayMs;
    await pool.call('GET', '/mock/clock', { token: null });
    nowMs -= 12 * dayMs;
    expect(await createdOf('watched')).toEqual([start]);
  });

  test('for requests at the same time only once', async () => {
    await create('crowded');
    await setPolicy('crowded', { timeAfterCreate: 'P10D' });
    nowMs += 10 * dayMs;
    const seen = await Promise.all(Array.from({ length: 20 }, () => pool.call('GET', '/keys/crowded')));
    expect(new Set(seen.map(({ body }) => body.key.kid)).size).toBe(1);
    expect(await versionsOf('crowded')).toHaveLength(2);
  });

  test('anew from a rotation by hand', async () => {
    await create('turned');
    await setPolicy('turned', { timeAfterCreate: 'P10D' });
    nowMs += 5 * dayMs;
    await pool.call('POST', '/keys/turned/rotate');
    nowMs += 6 * dayMs;
    expect(await versionsOf('turned')).toHaveLength(2);
    nowMs += 4 * dayMs;
    expect(await versionsOf('turned')).toHaveLength(3);
  });

  test('not while it is deleted; a recovered one catches up', async () => {
    await create('hidden');
    await setPolicy('hidden', { timeAfterCreate: 'P10D' });
    await pool.call('DELETE', '/keys/hidden');
    nowMs += 25 * dayMs;
    await pool.call('POST', '/deletedkeys/hidden/recover');
    expect(await versionsOf('hidden')).toHaveLength(3);
  });

  test('until it has 100 versions, and then leaves it alone', async () => {
    await create('full');
    await setPolicy('full', { timeAfterCreate: 'P7D' });
    nowMs += 99 * 7 * dayMs + 365 * dayMs;
    const count = async (next: string | undefined, seen = 0): Promise<number> => {
      if (next === undefined) return seen;
      const { value, nextLink } = (await pool.call<ListBody>('GET', next)).body;
      return count(nextLink?.slice(pool.hsm.url.length), seen + value.length);
    };
    expect(await count('/keys/full/versions?api-version=7.4')).toBe(100);
    expect(await pool.call('POST', '/keys/full/rotate')).toMatchObject({ status: 400 });
  });
});

test('a rotation by hand takes exp from the policy, counted from now', async () => {
  await create('by-hand');
  await setPolicy('by-hand', { timeAfterCreate: 'P60D' }, 'P90D');
  nowMs += dayMs;
  const { created, exp } = (await pool.call('POST', '/keys/by-hand/rotate')).body.attributes;
  expect(exp - created).toBe(90 * 86_400);
});

test('a backup of a key brings its rotation policy back', async () => {
  await create('carried');
  const policy = (await setPolicy('carried', { timeAfterCreate: 'P60D' }, 'P90D')).body;
  const { value } = (await pool.call('POST', '/keys/carried/backup')).body;
  await pool.call('DELETE', '/keys/carried');
  await pool.call('DELETE', '/deletedkeys/carried');
  await pool.call('POST', '/keys/restore', { body: { value } });
  expect((await pool.call('GET', '/keys/carried/rotationpolicy')).body).toEqual(policy);
});
