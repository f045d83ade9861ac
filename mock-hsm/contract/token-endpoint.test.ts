// @module-tag directory
// The token endpoint of the mock's Entra ID for applications with a secret, and what leads there.

import { randomUUID } from 'node:crypto';
import { ClientSecretCredential } from '@azure/identity';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenBody } from './answer-body.ts';
import { credentialsForm, PoolConnection } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  const secrets = ['first', { value: 'second: 100%', expires: '2100-01-01' }, { value: 'old', expires: '2020-01-01' }];
  const seedDocument = {
    users: [{ name: 'alice', upn: 'alice@contoso.example', password: 'secret' }],
    servicePrincipals: [{ name: 'several', clientId: several, secrets }],
  };
  pool = await PoolConnection.open({ hostnames: ['*.hsm.test'], seedDocument });
});

afterAll(() => pool.close());

/** The application that has several secrets. */
const several = randomUUID();

const form = () => credentialsForm(pool.hsm.client.clientId, pool.hsm.client.clientSecret);

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
    [
      'a code of no device',
      { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' },
      400,
      'bad_verification_code',
      70018,
    ],
    [
      'two resources',
      {
        grant_type: 'password',
        username: 'alice@contoso.example',
        password: 'secret',
        scope: 'https://managedhsm.azure.net/.default https://graph.microsoft.com/.default',
      },
      400,
      'invalid_request',
      28000,
    ],
    ['an unknown resource', { scope: 'https://nowhere.example/.default' }, 400, 'invalid_resource', 500011],
  ])('refuses %s', async (_what, change, status, error, number) => {
    const answer = await pool.askToken({ ...form(), ...change });
    expect(answer).toMatchObject({ status, body: { error, error_codes: [number] } });
    expect(answer.body.error_description).toContain(`AADSTS${number}: `);
  });

  test('takes any secret of an application until its end, and says when it has ended', async () => {
    const ask = (secret: string) => pool.askToken(credentialsForm(several, secret));
    for (const secret of ['first', 'second: 100%']) expect(await ask(secret)).toMatchObject({ status: 200 });
    expect(await ask('old')).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [7000222] } });
  });

  test('takes id and secret from a Basic header, each encoded as in a form', async () => {
    const ask = (secret: string) => {
      const authorization = `Basic ${Buffer.from(`${several}:${encodeURIComponent(secret)}`).toString('base64')}`;
      return pool.call('POST', `/${pool.hsm.tenantId}/oauth2/v2.0/token`, {
        token: null,
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: form().scope }).toString(),
      });
    };
    expect(await ask('second: 100%')).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    expect(await ask('third')).toMatchObject({ status: 401, body: { error_codes: [7000215] } });
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
  const { body } = await pool.call<TokenBody>('GET', path, { token: null });
  const base = `${pool.hsm.url}/${pool.hsm.tenantId}`;
  expect(body).toMatchObject({
    issuer: `${base}/v2.0`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
  });
  const v1 = await pool.call('GET', path.replace('/v2.0', ''), { token: null });
  expect(v1.body).toMatchObject({
    issuer: `https://sts.windows.net/${pool.hsm.tenantId}/`,
    token_endpoint: `${base}/oauth2/token`,
  });
  const keys = await pool.call<{ keys: object[] }>('GET', body.jwks_uri.slice(pool.hsm.url.length), { token: null });
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
