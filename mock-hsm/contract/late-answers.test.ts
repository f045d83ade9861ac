// @module-tag faults
// @module-tag mock-routes
// What is refused stays refused when its answer is late: the network's latency keeps the answer, not the decision.
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type MockHsm, startMockHsm } from '../start.ts';
import type { FaultRequest } from '../traffic/fault-model.ts';
import type { RequestEntry } from '../traffic/request-log.ts';
import { PoolConnection, role } from './pool-connection.ts';

let hsm: MockHsm;
let pool: PoolConnection;

beforeAll(async () => {
  hsm = await startMockHsm({
    latency: '20ms',
    imdsPort: 0,
    seedDocument: { managedIdentities: [{ name: 'web', assigned: 'system' }] },
  });
  pool = new PoolConnection(hsm);
  await pool.assign(role.cryptoUser, '/keys');
  await pool.assign(role.cryptoOfficer, '/keys');
  await pool.call('POST', '/keys/victim/create', { body: { kty: 'EC-HSM' } });
});

beforeEach(() => pool.call('DELETE', '/mock/faults', { token: null }));

afterAll(() => pool.close());

const fault = async (request: FaultRequest) =>
  expect(await pool.call('POST', '/mock/faults', { token: null, body: request })).toMatchObject({ status: 201 });

const isThere = async (name: string) => (await pool.call('GET', `/keys/${name}`)).status === 200;

const log = async (): Promise<RequestEntry[]> =>
  (await pool.call<RequestEntry[]>('GET', '/mock/requests', { token: null })).body;

describe('without a token', () => {
  test('DELETE is challenged and deletes nothing', async () => {
    const answer = await pool.call('DELETE', '/keys/victim', { token: null });
    expect(answer).toMatchObject({ status: 401, body: '' });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer authorization="[^"]+", resource="[^"]+"$/);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(await isThere('victim')).toBe(true);
  });

  test('GET is challenged and shows nothing', async () => {
    expect(await pool.call('GET', '/keys/victim', { token: null })).toMatchObject({ status: 401, body: 'OK' });
  });

  test('DELETE deletes nothing when the caller leaves before the answer', async () => {
    await pool.call('PUT', '/mock/profile', { token: null, body: { latency: '400ms' } });
    const socket = connectTls({ port: hsm.port, host: '127.0.0.1', servername: 'localhost', ca: hsm.caPem });
    socket.write('DELETE /keys/victim?api-version=7.4 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const metrics = async () => String((await pool.call('GET', '/mock/metrics', { token: null })).body);
    await expect.poll(metrics, { interval: 5 }).toContain('mock_hsm_queue_length 1\n');
    socket.destroy();
    await expect.poll(metrics).toContain('mock_hsm_queue_length 0\n');
    await pool.call('PUT', '/mock/profile', { token: null, body: { latency: '20ms' } });
    expect((await log()).findLast(({ operation }) => operation === 'delete')).toMatchObject({
      reason: 'no bearer token',
    });
    expect(await isThere('victim')).toBe(true);
  });

  test.each(['/subscriptions?api-version=2022-12-01', '/v1.0/users'])('%s is refused', async (path) => {
    const answer = await pool.call('GET', path, { token: null });
    expect(answer).toMatchObject({ status: 401, body: { error: { code: expect.stringContaining('Authentication') } } });
    expect(answer.body).not.toHaveProperty('value');
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer authorization_uri=/);
  });
});

describe('a fault with a page', () => {
  const body = '<h1>502 Bad Gateway</h1>';

  test('is the whole answer, and nothing was done', async () => {
    await fault({ operation: 'create', status: 502, body });
    const answer = await pool.call('POST', '/keys/never/create', { body: { kty: 'EC-HSM' } });
    expect(answer).toMatchObject({ status: 502, body, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(await isThere('never')).toBe(false);
  });

  test('that is cut half-way leaves nothing done', async () => {
    await fault({ operation: 'create', status: 502, body, cut: 'midway' });
    await expect(pool.call('POST', '/keys/never/create', { body: { kty: 'EC-HSM' } })).rejects.toThrow();
    expect(await isThere('never')).toBe(false);
  });

  test('also befalls managed identity, which issues no token', async () => {
    await fault({ operation: 'imdsToken', status: 502, body, cut: 'midway' });
    const url = `${hsm.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://managedhsm.azure.net`;
    const answer = fetch(url, { headers: { metadata: 'true' } }).then((response) => response.text());
    await expect(answer).rejects.toThrow();
    const [entry] = (await log()).filter(({ operation }) => operation === 'imdsToken');
    expect(entry).toMatchObject({ status: 0, fault: 'status+cut-midway' });
    expect(entry).not.toHaveProperty('principal');
    expect(await (await fetch(url, { headers: { metadata: 'true' } })).json()).toHaveProperty('access_token');
  });
});

test('a header that HTTP cannot carry is no content type for a fault', async () => {
  const body = { operation: 'get', status: 502, body: 'x', contentType: 'text/html\r\nx-injected: 1' };
  expect(await pool.call('POST', '/mock/faults', { token: null, body })).toMatchObject({ status: 400 });
});
