// @module-tag mock-routes

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RequestEntry } from '../traffic/request-log.ts';
import type { SwitchBody } from './answer-body.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

const profile = (method: 'GET' | 'PUT' | 'PATCH', body?: object) =>
  pool.call<SwitchBody>(method, '/mock/profile', { token: null, body });

const sign = () => pool.call('POST', '/keys/paced/sign', { body: { alg: 'ES256', value: 'A'.repeat(43) } });

async function logged(act: () => Promise<unknown>): Promise<RequestEntry[]> {
  const entries = async (after: number): Promise<RequestEntry[]> =>
    (await pool.call<RequestEntry[]>('GET', `/mock/requests?after=${after}`, { token: null })).body;
  const last = (await entries(0)).at(-1)?.sequence ?? 0;
  await act();
  return entries(last);
}

const times = <Result>(count: number, act: () => Promise<Result>) => Promise.all(Array.from({ length: count }, act));

beforeAll(async () => {
  pool = await PoolConnection.open({ seed: 1 });
  await pool.assign(role.cryptoUser, '/keys');
  await pool.call('POST', '/keys/paced/create', { body: { kty: 'EC-HSM' } });
});

beforeEach(() => profile('PUT', {}));

afterAll(() => pool.close());

describe('/mock/profile', () => {
  test('says what holds without a profile', async () => {
    expect((await profile('GET')).body).toEqual({
      profile: 'none',
      latency: '0ms',
      partitions: 3,
      capacity: {},
      rates: {},
      lanes: { busy: 0, all: 30 },
    });
  });

  test('PATCH changes what it names, PUT sets everything', async () => {
    await profile('PUT', { profile: 'standard-b1', latency: '5ms+-1ms' });
    const patched = await profile('PATCH', { partitions: 2, capacity: { 'sign:RSA-2048': 1100 } });
    expect(patched.body).toMatchObject({ profile: 'standard-b1', latency: '5ms±1ms', partitions: 2 });
    expect(patched.body.rates).toMatchObject({ 'sign:RSA-2048': 1100, 'sign:P-256': 330, create: 1, roles: 5 });
    expect((await profile('PUT', {})).body).toMatchObject({ profile: 'none', latency: '0ms', capacity: {} });
  });

  test.each([{ partitions: 7 }, { capacity: { sing: 5 } }, { latency: 'soon' }, { colour: 'red' }])(
    '%j is refused and changes nothing',
    async (body) => {
      const before = (await profile('GET')).body;
      expect(await profile('PATCH', body)).toMatchObject({ status: 400 });
      expect((await profile('GET')).body).toEqual(before);
    },
  );
});

describe('a signature', () => {
  test('takes its time in the HSM, and waits when all lanes work', async () => {
    // A turn of two seconds, so that all come within one on a busy machine too.
    await profile('PUT', { partitions: 1, capacity: { 'sign:P-256': 5 } });
    const signs = (await logged(() => times(11, sign))).filter(({ operation }) => operation === 'sign');
    // Ten lanes: the eleventh waits for one, and is answered last.
    expect(signs.map(({ waitedMs }) => Number(waitedMs) > 0)).toEqual([...Array(10).fill(false), true]);
    const metrics = String((await pool.call('GET', '/mock/metrics', { token: null })).body);
    expect(metrics).toMatch(/^mock_hsm_queue_wait_seconds_count 11$/m);
    expect(metrics).toContain('mock_hsm_queue_length 0\n');
  });

  test('that is refused takes no time in the HSM', async () => {
    await profile('PUT', { capacity: { sign: 0.001 } });
    const wrong = { alg: 'RS256', value: 'A'.repeat(43) };
    expect(await pool.call('POST', '/keys/paced/sign', { body: wrong })).toMatchObject({ status: 400 });
  });

  test('is as late as the network, refused or not', async () => {
    await profile('PUT', { latency: '500ms' });
    const metrics = async () => String((await pool.call('GET', '/mock/metrics', { token: null })).body);
    const answers = [sign(), pool.call('GET', '/keys/missing')];
    await expect.poll(metrics, { interval: 5 }).toContain('mock_hsm_queue_length 2\n');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 404]);
    expect(await metrics()).toContain('mock_hsm_queue_length 0\n');
  });
});

test('too many creations are refused with 429 and the time to wait, and counted', async () => {
  await profile('PUT', { profile: 'standard-b1' });
  let number = 0;
  const create = () => pool.call('POST', `/keys/many-${++number}/create`, { body: { kty: 'EC-HSM' } });
  const answers = await times(6, create);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers, body } of refused) {
    expect(headers['retry-after']).toMatch(/^[1-9]$/);
    expect(body).toMatchObject({ error: { code: 'Throttled' } });
  }
  const metrics = String((await pool.call('GET', '/mock/metrics', { token: null })).body);
  expect(metrics).toContain(`mock_hsm_throttled_total{operation="create"} ${refused.length}\n`);
});
