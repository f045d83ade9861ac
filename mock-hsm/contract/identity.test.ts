// Calls without a good token, and what the pool answers: the challenge, whatever is asked and whatever is wrong.
import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '../keyvault/operations.ts';
import { PoolConnection } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.now();

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs, hostnames: ['*.hsm.test', '*.managedhsm.azure.net'] });
});

afterAll(() => pool.close());

/** A token of a principal without a role: the pool knows it, and allows nothing. */
const goodToken = () => pool.token(pool.hsm.client);

const challenge = /^Bearer authorization="https:\/\/[^"/]+\/[0-9a-f-]{36}", resource="https:\/\/[^"/]+"$/;

const challenged = (body: string) => ({
  status: 401,
  body,
  headers: { 'www-authenticate': expect.stringMatching(challenge) },
});

describe('the challenge', () => {
  test('comes before the body is looked at, with OK for a GET and nothing else', async () => {
    const post = await pool.call('POST', '/keys/k/create', { token: null, body: '{not json' });
    expect(post).toMatchObject(challenged(''));
    expect(post.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(await pool.call('GET', '/keys', { token: null })).toMatchObject(challenged('OK'));
  });

  test('names the resource that goes with the host', { tags: ['directory'] }, async () => {
    const at = async (host: string) =>
      (await pool.call('GET', '/keys', { token: null, headers: { host } })).headers['www-authenticate'];
    const { tenantId, url } = pool.hsm;
    expect(await at(new URL(url).host)).toBe(
      `Bearer authorization="${url}/${tenantId}", resource="https://managedhsm.azure.net"`,
    );
    expect(await at('x.hsm.test:8443')).toContain('resource="https://hsm.test:8443"');
    expect(await at('x.managedhsm.azure.net')).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="https://managedhsm.azure.net"`,
    );
  });

  test.each(Object.entries(operations))('guards %s', async (_operation, { method, paths }) => {
    for (const path of paths) {
      const plain = path.replace(':name', 'k').replace(':version', '0'.repeat(32)).concat('?api-version=7.6');
      expect(await pool.call(method, plain, { token: null })).toMatchObject(challenged(method === 'GET' ? 'OK' : ''));
      expect(await pool.call(method, plain)).toMatchObject({ status: 403, body: { error: { code: 'AccessDenied' } } });
    }
  });
});

test('a token comes before the api-version, and that before a role', async () => {
  expect(await pool.call('GET', '/keys?api-version=1.0', { token: null })).toMatchObject({ status: 401 });
  expect(await pool.call('GET', '/keys?api-version=1.0')).toMatchObject({ status: 400 });
  expect(await pool.call('GET', '/keys?api-version=7.4')).toMatchObject({ status: 403 });
});

describe('the challenge answers', () => {
  const withAuthorization = (authorization: string) =>
    pool.call('GET', '/keys', { token: null, headers: { authorization } });

  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test.each(['Basic abc', 'Bearer', 'Bearer ', 'Bearer garbage', 'Bearer abc.def.ghi'])('%j', async (authorization) => {
    expect(await withAuthorization(authorization)).toMatchObject(challenged('OK'));
  });

  test.each<[string, (token: string, parts: readonly string[]) => string | Promise<string>]>([
    [
      'with other claims',
      (token, [head, , mac]) => `${head}.${encoded({ ...decodeJwt(token), oid: pool.hsm.admin.objectId })}.${mac}`,
    ],
    ['with a changed signature', (_token, [head, body, mac = '']) => `${head}.${body}.${mac.slice(0, -8)}AAAAAAAA`],
    ['without its signature', (_token, [head, body]) => `${head}.${body}.`],
    ['with alg none', (_token, [, body]) => `${encoded({ alg: 'none', typ: 'JWT' })}.${body}.`],
    [
      'that somebody else has signed under the same key id',
      (token) => {
        const header = { ...decodeProtectedHeader(token), alg: 'RS256' };
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        return new SignJWT(decodeJwt(token)).setProtectedHeader(header).sign(privateKey);
      },
    ],
  ])('a good token %s', async (_what, spoilt) => {
    const token = await goodToken();
    expect(await pool.call('GET', '/keys', { token: await spoilt(token, token.split('.')) })).toMatchObject(
      challenged('OK'),
    );
    expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 403 });
  });

  test('a token for another resource', async () => {
    const token = await pool.token(pool.hsm.client, 'https://management.azure.com/.default');
    expect(await pool.call('GET', '/keys', { token })).toMatchObject(challenged('OK'));
  });

  test('a token that has expired', { tags: ['clock'] }, async () => {
    const token = await goodToken();
    nowMs += 3_500_000;
    expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 403 });
    nowMs += 200_000;
    expect(await pool.call('GET', '/keys', { token })).toMatchObject(challenged('OK'));
  });
});
