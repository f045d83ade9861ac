// The order of members in answers: clients do not need it, but who compares recordings does.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ListBody } from './answer-body.ts';
import type { Answer } from './pool-connection.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
});

afterAll(() => pool.close());

const create = async (name: string, body: object) => (await pool.call('POST', `/keys/${name}/create`, { body })).body;

/** The names of all members as they come over the wire: parsing keeps their order. */
const orderOf = (body: object): string =>
  Object.entries(body)
    .map(([name, value]) => {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      return isObject ? `${name}(${orderOf(value)})` : name;
    })
    .join(' ');

const attributes = 'attributes(created enabled exportable recoverableDays recoveryLevel updated)';

test('a bundle has its members in alphabetical order', async () => {
  const tags = { a: 'b' };
  expect(orderOf(await create('rsa', { kty: 'RSA-HSM', tags }))).toBe(`${attributes} key(e key_ops kid kty n) tags(a)`);
  const times = { exp: 4_000_000_000, nbf: 1_000_000_000 };
  expect(orderOf(await create('ec', { tags, kty: 'EC-HSM', attributes: times }))).toBe(
    'attributes(created enabled exp exportable nbf recoverableDays recoveryLevel updated) key(crv key_ops kid kty x y) tags(a)',
  );
  expect(orderOf(await create('oct', { kty: 'oct-HSM' }))).toBe(`${attributes} key(key_ops kid kty)`);
});

test('a release policy comes between key and tags', async () => {
  const policy = {
    version: '1.0.0',
    anyOf: [{ authority: 'https://a.example', allOf: [{ claim: 'c', equals: 'd' }] }],
  };
  const release_policy = { data: Buffer.from(JSON.stringify(policy)).toString('base64url') };
  const made = await create('free', {
    kty: 'EC-HSM',
    tags: { a: 'b' },
    attributes: { exportable: true },
    release_policy,
  });
  expect(orderOf(made)).toBe(
    `${attributes} key(crv key_ops kid kty x y) release_policy(contentType data immutable) tags(a)`,
  );
});

test('so has a deleted one, with its own members among the others, and an item of a list', async () => {
  await create('gone', { kty: 'EC-HSM', tags: { a: 'b' } });
  const itemOf = async (path: string) => {
    let next: string | undefined = `${path}?api-version=7.4`;
    while (next !== undefined) {
      const { body }: Answer<ListBody> = await pool.call('GET', next);
      const item = body.value.find(({ kid }) => kid.endsWith('/keys/gone'));
      if (item !== undefined) return orderOf(item);
      next = body.nextLink?.slice(pool.hsm.url.length);
    }
    return 'not listed';
  };
  expect(await itemOf('/keys')).toBe(`${attributes} kid tags(a)`);
  const deleted = (await pool.call('DELETE', '/keys/gone')).body;
  const whole = `${attributes} deletedDate key(crv key_ops kid kty x y) recoveryId scheduledPurgeDate tags(a)`;
  expect(orderOf(deleted)).toBe(whole);
  expect(orderOf((await pool.call('GET', '/deletedkeys/gone')).body)).toBe(whole);
  expect(await itemOf('/deletedkeys')).toBe(`${attributes} deletedDate kid recoveryId scheduledPurgeDate tags(a)`);
});

test('so has a rotation policy', async () => {
  await create('turning', { kty: 'EC-HSM' });
  const lifetimeActions = [{ trigger: { timeAfterCreate: 'P30D' }, action: { type: 'Rotate' } }];
  const body = { lifetimeActions, attributes: { expiryTime: 'P90D' } };
  const answer = (await pool.call('PUT', '/keys/turning/rotationpolicy', { body })).body;
  expect(orderOf(answer)).toBe('attributes(created expiryTime updated) id lifetimeActions');
  expect(orderOf(answer.lifetimeActions[0] ?? {})).toBe('action(type) trigger(timeAfterCreate)');
});
