// The forms of requests that clients really send, and of the links and ids that they follow.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListBody, PageBody } from './answer-body.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
let kid: string;

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
  await pool.call('POST', '/keys/form/create', { body: { kty: 'EC-HSM' } });
  kid = (await pool.call('POST', '/keys/form/create', { body: { kty: 'EC-HSM' } })).body.key.kid;
});

afterAll(() => pool.close());

const versions = [
  ['2016-10-01', 'old'],
  ['7.0', 'old'],
  ['7.1', 'old'],
  ['7.2-preview', 'old'],
  ['7.2', 'old'],
  ['7.3-preview', 'rotation'],
  ['7.3', 'rotation'],
  ['7.4-preview.1', 'settings'],
  ['7.4', 'settings'],
  ['7.5-preview.1', 'settings'],
  ['7.5', 'settings'],
  ['7.6-preview.2', 'all'],
  ['7.6', 'all'],
  ['2025-06-01-preview', 'all'],
  ['2025-07-01', 'all'],
  ['2026-01-01-preview', 'all'],
  ['2026-03-01-preview', 'all'],
  ['2026-04-01', 'all'],
  ['2026-05-01-preview', 'all'],
  ['2026-07-01-preview', 'all'],
] as const;

describe.each(versions)('api-version %s', (version, knows) => {
  const status = async (path: string, asAdmin = false) => {
    const whole = `${path}?api-version=${version}`;
    return (asAdmin ? await pool.asAdmin('GET', whole) : await pool.call('GET', whole)).status;
  };

  test('answers for keys and roles', async () => {
    expect(await status('/keys/form')).toBe(200);
    expect(await status('/providers/Microsoft.Authorization/roleDefinitions')).toBe(200);
  });

  test('answers what came in its time, and nothing later', async () => {
    const rank = ['old', 'rotation', 'settings', 'all'].indexOf(knows);
    expect(await status('/keys/form/rotationpolicy')).toBe(rank >= 1 ? 200 : 400);
    expect(await status('/settings', true)).toBe(rank >= 2 ? 200 : 400);
    expect(await status('/keys/form/attestation')).toBe(rank >= 3 ? 200 : 400);
  });
});

describe('a path', () => {
  test.each(['/keys/form', '/keys/form/', '/keys//form', '//keys/form', '/KEYS/FORM', '/Keys/Form/'])(
    '%s is the newest version of the key',
    async (path) => {
      expect(await pool.call('GET', path)).toMatchObject({ status: 200, body: { key: { kid } } });
    },
  );

  test.each(['/keys/form/sign', '/keys/form//sign', '/keys/form/SIGN', '/Keys/form/Sign/'])(
    '%s signs with it',
    async (path) => {
      const value = createHash('sha256').update('m').digest('base64url');
      expect((await pool.call('POST', path, { body: { alg: 'ES256', value } })).body.kid).toBe(kid);
    },
  );

  test('may name the version in capitals', async () => {
    const { pathname } = new URL(kid);
    const [, keys, name, version = ''] = pathname.split('/');
    expect(await pool.call('GET', `/${keys}/${name}/${version.toUpperCase()}`)).toMatchObject({
      body: { key: { kid } },
    });
  });

  test.each<[string, string, number, string]>([
    ['GET', '/keys/form/attestation/more/of/it', 400, 'Invalidkeyidentifier'],
    ['GET', '/keys/a_b', 400, 'Invalidkeyidentifier'],
    ['GET', '/keys/form/0123', 404, 'KeyNotFound'],
    ['GET', '/nothing', 404, 'NotFound'],
  ])('%s %s is answered by %i %s', async (method, path, status, code) => {
    expect(await pool.call(method, path)).toMatchObject({ status, body: { error: { code } } });
  });
});

describe('headers', () => {
  test('of a success tell region and network, of a GET the build; the client’s request id is not sent back', async () => {
    const headers = { 'x-ms-client-request-id': 'mine', 'x-ms-return-client-request-id': 'true' };
    const read = (await pool.call('GET', '/keys/form', { headers })).headers;
    expect(read).toMatchObject({
      'x-ms-build-version': expect.any(String),
      'x-ms-keyvault-region': expect.any(String),
      'x-ms-keyvault-network-info': expect.stringMatching(/^conn_type=Ipv[46];addr=.+;act_addr_fam=Ipv[46];$/),
    });
    expect(read).not.toHaveProperty('x-ms-client-request-id');
    const written = (await pool.call('POST', '/rng', { body: { count: 1 } })).headers;
    expect(written).toHaveProperty('x-ms-keyvault-region');
    expect(written).not.toHaveProperty('x-ms-build-version');
  });

  test('of an error tell neither region nor network', async () => {
    const answers = [
      await pool.call('GET', '/keys/form', { token: null }),
      await pool.call('GET', '/keys/nothing'),
      await pool.call('GET', '/keys?api-version=0'),
    ];
    for (const { headers } of answers) {
      expect(headers).toHaveProperty('x-ms-build-version');
      expect(headers).not.toHaveProperty('x-ms-keyvault-region');
      expect(headers).not.toHaveProperty('x-ms-keyvault-network-info');
    }
  });
});

describe('ids and links', () => {
  const at = (host: string, path: string) => pool.call('GET', path, { headers: { host } });
  // The audience of a token goes with the domain of the host: on one port and another it is the same service.
  const port = () => new URL(pool.hsm.url).port;

  test('lead back to the host that the caller named', { tags: ['directory'] }, async () => {
    const host = `127.0.0.1:${port()}`;
    expect((await at(host, '/keys/form')).body.key.kid).toMatch(new RegExp(`^https://${host}/keys/form/[0-9a-f]{32}$`));
  });

  test('of a next page hold maxresults and $skiptoken, and work with api-version and without', async () => {
    await pool.call('POST', '/keys/form-2/create', { body: { kty: 'EC-HSM' } });
    const { nextLink } = (await pool.call<PageBody>('GET', '/keys?api-version=7.5&maxresults=1')).body;
    const link = new URL(nextLink);
    expect(link.origin).toBe(pool.hsm.url);
    expect(link.pathname).toBe('/keys');
    expect(link.search).toMatch(/^\?maxresults=1&\$skiptoken=[\w-]+$/);
    const asFound = `${link.pathname}${link.search}`;
    for (const next of [asFound, asFound.replace('&', '&api-version=7.5&'), `${asFound}&api-version=7.5`]) {
      // The pool may hold keys of others: of two at least, the second page has the second.
      const [, second] = (await pool.call<ListBody>('GET', '/keys?api-version=7.5&maxresults=2')).body.value;
      expect(await pool.call('GET', next)).toMatchObject({ status: 200, body: { value: [{ kid: second?.kid }] } });
    }
    expect(await pool.call('GET', '/keys?maxresults=1&$skiptoken=')).toMatchObject({ status: 400 });
  });

  test('of versions stay below their key', async () => {
    const { nextLink } = (await pool.call<PageBody>('GET', '/keys/form/versions?api-version=7.5&maxresults=1')).body;
    expect(new URL(nextLink).pathname).toBe('/keys/form/versions');
    const { value } = (await pool.call('GET', nextLink.slice(pool.hsm.url.length))).body;
    expect(value).toMatchObject([{ kid }]);
  });
});

test.each(['0', '26', '-1', '1.5', 'ten', ''])('maxresults=%s is BadParameter', async (count) => {
  expect(await pool.call('GET', `/keys?api-version=7.5&maxresults=${count}`)).toMatchObject({ status: 400 });
});

test('the order of members means nothing', async () => {
  const body = '{"tags":{"z":"1","a":"2"},"key_ops":["verify","sign"],"kty":"EC-HSM"}';
  const { status, body: made } = await pool.call('POST', '/keys/ordered/create', { body });
  expect(status).toBe(200);
  expect(made.tags).toEqual({ a: '2', z: '1' });
});

test('members that nobody knows are no error', async () => {
  const body = { kty: 'EC-HSM', attributes: { recoverableDays: 7, later: true }, invented: [1] };
  const made = await pool.call('POST', '/keys/extended/create', { body });
  expect(made).toMatchObject({ status: 200, body: { attributes: { recoveryLevel: expect.any(String) } } });
  expect(made.body).not.toHaveProperty('invented');
});
