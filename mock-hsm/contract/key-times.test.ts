// @module-tag clock
// The edges of a key's time, and the five minutes by which clocks may differ there.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.now();

const nbf = Math.floor(nowMs / 1000) + 1000;
const exp = nbf + 600;
const value = randomBytes(32).toString('base64url');

const post = (name: string, operation: string, body: object) =>
  pool.call('POST', `/keys/${name}/${operation}`, { body });

/** What makes something new, and what goes back from it. */
const uses: [name: string, forward: string, back: string, alg: string][] = [
  ['timed', 'sign', 'verify', 'ES256'],
  ['timed-aes', 'encrypt', 'decrypt', 'A256GCM'],
  ['timed-aes', 'wrapkey', 'unwrapkey', 'A256KW'],
];
const made = new Map<string, object>();

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs });
  await pool.assign(role.cryptoUser, '/');
  const attributes = { nbf, exp };
  await post('timed', 'create', { kty: 'EC-HSM', attributes });
  await post('timed-aes', 'create', { kty: 'oct-HSM', key_size: 256, attributes });
  nowMs = nbf * 1000;
  for (const [name, forward, , alg] of uses) {
    const { body } = await post(name, forward, { alg, value });
    made.set(forward, { ...body, ...(forward === 'sign' ? { digest: value } : {}) });
  }
});

afterAll(() => pool.close());

describe.each(uses)('%s: %s and %s', (name, forward, back, alg) => {
  test.each([
    ['301 s before nbf', nbf - 301, 403],
    ['299 s before nbf', nbf - 299, 200],
    ['299 s after exp', exp + 299, 200],
    ['301 s after exp', exp + 301, 403],
  ])('%s', async (_when, atS, status) => {
    nowMs = atS * 1000;
    const inner = atS < nbf ? 'KeyNotYetValid' : 'KeyExpired';
    const refused = { error: { code: 'Forbidden', innererror: { code: inner } } };
    const answer = await post(name, forward, { alg, value });
    expect(answer).toMatchObject({ status, body: status === 403 ? refused : { alg } });
    // What exists already must stay readable.
    const restored = await post(name, back, { ...made.get(forward), alg });
    expect(restored).toMatchObject({ status: 200, body: { value: back === 'verify' ? true : value } });
  });
});
