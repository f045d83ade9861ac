// @module-tag mock-routes
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection } from '../contract/pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open({ hostnames: ['hsm.example.test', '*.hsm.test'] });
});

afterAll(() => pool.close());

const body = { operation: 'sign', status: 503 };

const post = (headers: Record<string, string>, path = '/mock/faults') =>
  pool.call('POST', path, { token: null, body, headers });

const origin = () => pool.hsm.url;

/** For a browser that was told to go on although the certificate is for other names. */
function statusOf(method: string, headers: Record<string, string>): Promise<number | undefined> {
  const target = { method, headers, ca: pool.hsm.caPem, servername: 'localhost' };
  return new Promise((resolve, reject) => {
    request(`${origin()}/mock/faults`, target, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('a change below /mock is refused', () => {
  test.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.test' }],
    ['an origin without a name', { origin: 'null' }],
  ])('to %s', async (_who, headers) => {
    expect(await post(headers)).toMatchObject({ status: 403, body: { error: { code: 'Forbidden' } } });
    expect(await pool.call('DELETE', '/mock/faults', { token: null, headers })).toMatchObject({ status: 403 });
  });

  test('to a foreign name that leads to this machine', async () => {
    const { port } = new URL(origin());
    const headers = { host: `evil.test:${port}`, origin: `https://evil.test:${port}`, 'sec-fetch-site': 'same-origin' };
    expect(await statusOf('DELETE', headers)).toBe(403);
    expect(await statusOf('DELETE', { ...headers, host: `localhost:${port}`, origin: origin() })).toBe(200);
  });

  test('to a host that is no name, without an error of the mock', async () => {
    expect(await statusOf('DELETE', { host: 'a%b', origin: 'https://a%b' })).toBe(403);
  });

  test('in whatever case the path is written', async () => {
    expect(await post({ origin: 'https://evil.test' }, '/MOCK/Faults')).toMatchObject({ status: 403 });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'with a body of the type %s, which any page can send unasked',
    async (type) => {
      expect(await post({ 'content-type': type })).toMatchObject({ status: 415 });
    },
  );
});

describe('a change below /mock is made', () => {
  test('for a program, which says nothing of where it comes from', async () => {
    expect(await post({})).toMatchObject({ status: 201 });
  });

  test('for the page itself', async () => {
    expect(await post({ origin: origin(), 'sec-fetch-site': 'same-origin' })).toMatchObject({ status: 201 });
  });

  test.each(['hsm.example.test', 'pool.hsm.test'])('for the page by the further name %s', async (name) => {
    expect(await post({ host: name, origin: `https://${name}` })).toMatchObject({ status: 201 });
  });
});

test.each(['evil.test', 'evil.test:8443', 'deep.pool.hsm.test', 'localhost.evil.test'])(
  'reading by the foreign name %s, which may lead to this machine, is refused',
  async (host) => {
    expect(await statusOf('GET', { host })).toBe(403);
  },
);

test.each(['localhost', '127.0.0.1:1', '[::1]', 'hsm.example.test', 'pool.hsm.test', ''])(
  'reading by the name %s is answered',
  async (host) => {
    expect(await statusOf('GET', { host })).toBe(200);
  },
);

test('reading needs nothing, and no answer lets another origin look at it', async () => {
  const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
  const answer = await pool.call('GET', '/mock/keys', { token: null, headers });
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
});
