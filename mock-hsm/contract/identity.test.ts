// @module-tag directory
import { randomUUID } from 'node:crypto';
import { ClientSecretCredential } from '@azure/identity';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '../keyvault/operations.ts';
import { credentialsForm, PoolConnection } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.now();

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs, hostnames: ['*.hsm.test', '*.managedhsm.azure.net'] });
});

afterAll(() => pool.close());

const form = () => credentialsForm(pool.hsm.client.clientId, pool.hsm.client.clientSecret);

describe('the challenge', () => {
  test('comes before the body is looked at, with OK for a GET and nothing else', async () => {
    const post = await pool.call('POST', '/keys/k/create', { token: null, body: '{not json' });
    const get = await pool.call('GET', '/keys', { token: null });
    expect([post.status, post.body, get.status, get.body]).toEqual([401, '', 401, 'OK']);
    expect(post.headers['www-authenticate']).toBe(
      `Bearer authorization="${pool.hsm.url}/${pool.hsm.tenantId}", resource="https://managedhsm.azure.net"`,
    );
    expect(post.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  test('names the resource that goes with the host', async () => {
    const challenge = async (host: string) =>
      (await pool.call('GET', '/keys', { token: null, headers: { host } })).headers['www-authenticate'];
    expect(await challenge('x.hsm.test:8443')).toContain('resource="https://hsm.test:8443"');
    expect(await challenge('x.managedhsm.azure.net')).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${pool.hsm.tenantId}", resource="https://managedhsm.azure.net"`,
    );
  });

  test.each(Object.entries(operations))('guards %s', async (_operation, { method, paths }) => {
    for (const path of paths) {
      const plain = path.replace(':name', 'k').replace(':version', '0'.repeat(32)).concat('?api-version=7.6');
      expect(await pool.call(method, plain, { token: null })).toMatchObject({ status: 401 });
      expect(await pool.call(method, plain)).toMatchObject({ status: 403, body: { error: { code: 'AccessDenied' } } });
    }
  });

  test.each([
    ['no token at all', undefined],
    ['another scheme', 'Basic abc'],
    ['what is no JWT', 'Bearer abc.def.ghi'],
  ])('answers %s', async (_what, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    expect(await pool.call('GET', '/keys', { token: null, headers })).toMatchObject({ status: 401 });
  });

  test('answers a changed signature and a token for another resource', async () => {
    const token = String((await pool.askToken(form())).body.access_token);
    const [head, body, signature] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(token), oid: pool.hsm.admin.objectId })).toString(
      'base64url',
    );
    const graph = (await pool.askToken({ ...form(), scope: 'https://graph.microsoft.com/.default' })).body.access_token;
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    for (const wrong of [`${head}.${forged}.${signature}`, unsigned, graph]) {
      expect(await pool.call('GET', '/keys', { token: wrong })).toMatchObject({ status: 401 });
    }
    expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 403 });
  });

  test('answers an expired token', async () => {
    const token = String((await pool.askToken(form())).body.access_token);
    nowMs += 3_500_000;
    expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 403 });
    nowMs += 200_000;
    expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 401 });
  });
});

describe('the token endpoint', () => {
  test('gives a JWT with the claims that count', async () => {
    const { status, body } = await pool.askToken({ ...form(), client_info: '1' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600 });
    expect(decodeJwt(body.access_token)).toMatchObject({
      aud: 'https://managedhsm.azure.net',
      iss: `https://sts.windows.net/${pool.hsm.tenantId}/`,
      tid: pool.hsm.tenantId,
      oid: pool.hsm.client.objectId,
      sub: pool.hsm.client.objectId,
      appid: pool.hsm.client.clientId,
      appidacr: '1',
      idtyp: 'app',
    });
  });

  test('takes the v1 form, whatever the query says', async () => {
    const { scope: _, ...rest } = form();
    const v1 = { ...rest, resource: 'https://managedhsm.azure.net' };
    const { body } = await pool.askToken(v1, 'oauth2/token?client-request-id=1');
    expect(body).toMatchObject({ expires_in: '3600', resource: 'https://managedhsm.azure.net' });
  });

  test('an application may ask for the scopes of OpenID Connect beside its resource, as MSAL for Java does', async () => {
    const scope = `${credentialsForm('', '').scope} openid profile offline_access`;
    const { clientId, clientSecret } = pool.hsm.client;
    const answer = await pool.askToken({ ...credentialsForm(clientId, clientSecret), scope });
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
  });

  test.each([
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client', 7000215],
    ['an unknown app', { client_id: randomUUID() }, 400, 'unauthorized_client', 700016],
    ['no secret', { client_secret: '' }, 401, 'invalid_client', 7000216],
    ['another grant', { grant_type: 'magic' }, 400, 'unsupported_grant_type', 70003],
    ['a scope without .default', { scope: 'https://managedhsm.azure.net' }, 400, 'invalid_scope', 1002012],
    ['an unknown resource', { scope: 'https://nowhere.example/.default' }, 400, 'invalid_resource', 500011],
  ])('refuses %s', async (_what, change, status, error, number) => {
    const answer = await pool.askToken({ ...form(), ...change });
    expect(answer).toMatchObject({ status, body: { error, error_codes: [number] } });
    expect(answer.body.error_description).toContain(`AADSTS${number}: `);
  });

  test('refuses another tenant', async () => {
    const body = new URLSearchParams(form()).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await pool.call('POST', `/${randomUUID()}/oauth2/v2.0/token`, { token: null, headers, body });
    expect(answer).toMatchObject({ status: 400, body: { error_codes: [90002] } });
  });

  test('takes the names of its own hosts as resource, and the pool takes their tokens there', async () => {
    const { body } = await pool.askToken({ ...form(), scope: 'https://hsm.test:8443/.default' });
    const ask = (host: string) => pool.call('GET', '/keys', { token: body.access_token, headers: { host } });
    expect(await ask('x.hsm.test:8443')).toMatchObject({ status: 403 });
    expect(await ask('localhost')).toMatchObject({ status: 401 });
  });
});

test('discovery names this host everywhere', async () => {
  const path = `/${pool.hsm.tenantId}/v2.0/.well-known/openid-configuration`;
  const { body } = await pool.call('GET', path, { token: null });
  const base = `${pool.hsm.url}/${pool.hsm.tenantId}`;
  expect(body).toMatchObject({
    issuer: `${base}/v2.0`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
  });
  const keys = await pool.call('GET', body.jwks_uri.slice(pool.hsm.url.length), { token: null });
  expect(keys.body.keys[0]).toMatchObject({ kty: 'RSA', use: 'sig' });
  const instance = await pool.call('GET', '/common/discovery/instance?api-version=1.1', { token: null });
  expect(instance.body).toHaveProperty('metadata');
});

test("Azure's own ClientSecretCredential gets a token that the pool takes", async () => {
  const { client, tenantId, url, caPem } = pool.hsm;
  const credential = new ClientSecretCredential(tenantId, client.clientId, client.clientSecret, {
    authorityHost: url,
    disableInstanceDiscovery: true,
    tlsOptions: { ca: caPem },
  });
  const { token } = await credential.getToken('https://managedhsm.azure.net/.default');
  expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 403 });
});
