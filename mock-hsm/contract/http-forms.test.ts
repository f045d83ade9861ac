// The forms of requests that clients really send, and of the links and ids that they follow.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('ids and links', { tags: ['directory'] }, () => {
  const at = (host: string, path: string) => pool.call('GET', path, { headers: { host } });
  // The audience of a token goes with the domain of the host: on one port and another it is the same service.
  const port = () => new URL(pool.hsm.url).port;

  test('lead back to the host that the caller named', async () => {
    const host = `127.0.0.1:${port()}`;
    expect((await at(host, '/keys/form')).body.key.kid).toMatch(new RegExp(`^https://${host}/keys/form/[0-9a-f]{32}$`));
  });

  test('of a next page hold api-version, $skiptoken and maxresults', async () => {
    await pool.call('POST', '/keys/form-2/create', { body: { kty: 'EC-HSM' } });
    const { nextLink } = (await pool.call('GET', '/keys?api-version=7.5&maxresults=1')).body;
    const link = new URL(nextLink);
    expect(link.origin).toBe(pool.hsm.url);
    expect(link.pathname).toBe('/keys');
    expect([...link.searchParams.keys()]).toEqual(['api-version', '$skiptoken', 'maxresults']);
    expect(link.searchParams.get('api-version')).toBe('7.5');
    const next = await pool.call('GET', nextLink.slice(pool.hsm.url.length));
    expect(next.body).toMatchObject({ value: [{ kid: `${pool.hsm.url}/keys/form-2` }] });
    expect(next.body).not.toHaveProperty('nextLink');
  });

  test('of versions stay below their key', async () => {
    const { nextLink } = (await pool.call('GET', '/keys/form/versions?api-version=7.5&maxresults=1')).body;
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
