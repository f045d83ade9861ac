// HMAC by symmetric keys, which api-versions from 7.6-preview.2 on know.
import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

const algorithms = [
  ['HS256', 'sha256', 32, 32],
  ['HS384', 'sha384', 64, 48],
  ['HS512', 'sha512', 64, 64],
] as const;

const secrets = new Map(algorithms.map(([alg, , keyBytes]) => [alg, randomBytes(keyBytes)]));

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/');
  for (const [alg, secret] of secrets) {
    const key = { kty: 'oct-HSM', k: secret.toString('base64url'), key_ops: ['sign', 'verify'] };
    await pool.call('PUT', `/keys/${alg}?api-version=2025-07-01`, { body: { key } });
  }
});

afterAll(() => pool.close());

const post = (name: string, operation: string, body: object, version = '2025-07-01') =>
  pool.call('POST', `/keys/${name}/${operation}?api-version=${version}`, { body });

describe.each(algorithms)('%s', (alg, hash, keyBytes, digestBytes) => {
  const digest = randomBytes(digestBytes);
  const value = digest.toString('base64url');

  test(`with a key of ${keyBytes} bytes is the HMAC of the digest, and verifies`, async () => {
    const { body } = await post(alg, 'sign', { alg, value });
    const expected = createHmac(hash, secrets.get(alg) ?? '')
      .update(digest)
      .digest('base64url');
    expect(body).toMatchObject({ alg, value: expected });
    const verify = async (code: string) => (await post(alg, 'verify', { alg, digest: value, value: code })).body;
    expect(await verify(body.value)).toMatchObject({ alg, kid: body.kid, value: true });
    expect(await verify(randomBytes(digestBytes).toString('base64url'))).toMatchObject({ value: false });
    expect(await verify('AAAA')).toMatchObject({ value: false });
  });

  test('takes keys of every size, and no digest of another length', async () => {
    for (const [other] of algorithms) expect(await post(other, 'sign', { alg, value })).toMatchObject({ status: 200 });
    expect(await post(alg, 'sign', { alg, value: 'AAAA' })).toMatchObject({ status: 400 });
  });

  test('is unknown to older api-versions', async () => {
    expect(await post(alg, 'sign', { alg, value }, '7.5')).toMatchObject({
      status: 400,
      body: { error: { code: 'BadParameter' } },
    });
  });
});
