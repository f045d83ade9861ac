// @module-tag mock-routes
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RequestEntry } from '../traffic/request-log.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/keys');
  await pool.call('POST', '/keys/seen/create', { body: { kty: 'EC-HSM' } });
});

beforeEach(() => pool.call('DELETE', '/mock/faults', { token: null }));

afterAll(() => pool.close());

const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
const sign = () => pool.call('POST', '/keys/seen/sign', { body });

const metrics = async () => String((await pool.call('GET', '/mock/metrics', { token: null })).body);

const requests = async (after = 0): Promise<RequestEntry[]> =>
  (await pool.call<RequestEntry[]>('GET', `/mock/requests?after=${after}`, { token: null })).body;

const fault = (what: object) => pool.call('POST', '/mock/faults', { token: null, body: what });

test('metrics count signatures by key, version and algorithm, and requests by operation and status', async () => {
  const { kid } = (await sign()).body;
  await pool.asAdmin('POST', '/keys/seen/sign', body);
  const text = await metrics();
  const version = kid.split('/').at(-1);
  expect(text).toContain(`mock_hsm_signs_total{key="seen",version="${version}",algorithm="ES256"} 1\n`);
  expect(text).toContain('mock_hsm_requests_total{operation="sign",status="200"} 1\n');
  expect(text).toContain('mock_hsm_requests_total{operation="sign",status="403"} 1\n');
  expect(text).toMatch(/^mock_hsm_tls_connections_opened_total [1-9]/m);
  expect(text).toMatch(/^mock_hsm_tls_connections_open [1-9]/m);
  expect(text).toMatch(/^mock_hsm_tls_connections_peak [1-9]/m);
});

test('the log says who did what, by which role or why not, and holds no secret', async () => {
  const last = (await requests()).at(-1)?.sequence ?? 0;
  const { kid } = (await sign()).body;
  await pool.asAdmin('POST', '/keys/seen/sign', body);
  await pool.call('GET', '/keys', { token: null });
  const entries = await requests(last);
  expect(entries).toMatchObject([
    {
      sequence: last + 1,
      operation: 'sign',
      method: 'POST',
      path: '/keys/seen/sign',
      status: 200,
      principal: pool.hsm.client.objectId,
      clientId: pool.hsm.client.clientId,
      role: 'Managed HSM Crypto User',
      key: 'seen',
      version: kid.split('/').at(-1),
      algorithm: 'ES256',
    },
    { operation: 'sign', status: 403, principal: pool.hsm.admin.objectId, reason: expect.stringContaining('grants') },
    { operation: 'list', status: 401, reason: 'no bearer token' },
  ]);
  const everything = JSON.stringify(await requests());
  for (const { clientSecret } of [pool.hsm.client, pool.hsm.admin]) expect(everything).not.toContain(clientSecret);
  expect(everything).not.toContain(await pool.token(pool.hsm.client));
});

test('the log keeps no more than 200 characters of what callers choose', async () => {
  await pool.call('GET', `/keys/${'x'.repeat(9000)}`, { token: null });
  const claims = Buffer.from(JSON.stringify({ aud: 'x'.repeat(9000) })).toString('base64url');
  await pool.call('GET', '/subscriptions', { token: `e30.${claims}.AA` });
  const [byPath, byReason] = (await requests()).slice(-2);
  expect(byPath?.path).toHaveLength(200);
  expect(byReason?.reason).toMatch(/^the token's audience is x+$/);
  expect(byReason?.reason).toHaveLength(200);
});

describe('a fault', () => {
  test('befalls its operation as often as it says, then no more', async () => {
    await fault({ operation: 'sign', status: 503, times: 2, retryAfterS: 7 });
    expect(await pool.call('GET', '/keys')).toMatchObject({ status: 200 });
    expect(await sign()).toMatchObject({ status: 503, headers: { 'retry-after': '7' } });
    expect(await sign()).toMatchObject({ status: 503, body: { error: { code: 'ServiceUnavailable' } } });
    expect(await sign()).toMatchObject({ status: 200 });
  });

  test('can cut the connection, which the log shows as status 0', async () => {
    await fault({ operation: 'sign', closeConnection: true });
    await expect(sign()).rejects.toThrow();
    expect((await requests()).at(-1)).toMatchObject({ operation: 'sign', status: 0 });
    expect(await sign()).toMatchObject({ status: 200 });
  });

  test('can befall the token endpoint, and can be taken back', async () => {
    await fault({ operation: 'token', status: 500, times: 100 });
    expect(await pool.askToken({})).toMatchObject({ status: 500 });
    await pool.call('DELETE', '/mock/faults', { token: null });
    expect(await pool.askToken({})).toMatchObject({ status: 400 });
  });

  test('that only delays lets the request go on', async () => {
    await fault({ operation: 'sign', delayMs: 1 });
    expect(await sign()).toMatchObject({ status: 200 });
    expect((await pool.call('GET', '/mock/faults', { token: null })).body).toEqual([]);
  });

  test.each([{ status: 200 }, { times: 0 }, { colour: 'red' }])('%j is refused', async (what) => {
    expect(await fault(what)).toMatchObject({ status: 400 });
  });
});
