// @module-tag directory

import { createHash, generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto';
import { decodeJwt, importPKCS8, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMockHsm } from '../start.ts';
import { makeAuthority } from '../tls/certificate-authority.ts';
import type { SeedBody, TokenBody } from './answer-body.ts';
import { PoolConnection } from './pool-connection.ts';

const scope = 'https://managedhsm.azure.net/.default';
const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const [app, pinned, workload] = [randomUUID(), randomUUID(), randomUUID()];
const issuerKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let pool: PoolConnection;
let certificate: { certPem: string; keyPem: string };
let nowMs = Date.now();

beforeAll(async () => {
  certificate = await makeAuthority(new Date());
  const thumbprint = new X509Certificate(certificate.certPem).fingerprint;
  const publicKey = issuerKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const hsm = await startMockHsm({
    now: () => nowMs,
    hostnames: ['*.hsm.test'],
    seedDocument: {
      servicePrincipals: [
        { name: 'app', clientId: app, certificates: [{ pem: certificate.certPem }] },
        { name: 'pinned', clientId: pinned, certificates: [{ thumbprint }] },
        {
          name: 'workload',
          clientId: workload,
          federatedCredentials: [{ issuer: 'https://issuer.test', subject: 'me', publicKey }],
        },
        { name: 'stopped', disabled: true, secrets: ['s'] },
      ],
      users: [
        { name: 'alice', upn: 'alice@contoso.test', password: 'p' },
        { name: 'bob', upn: 'bob@contoso.test', password: 'p', disabled: true },
      ],
      groups: [{ name: 'team', members: ['alice'] }],
      roleAssignments: [{ role: 'Managed HSM Crypto User', principal: 'team', scope: '/keys' }],
    },
  });
  pool = new PoolConnection(hsm);
});

afterAll(() => pool.close());

const tokenUrl = () => `${pool.hsm.url}/${pool.hsm.tenantId}/oauth2/v2.0/token`;

function digestOf(algorithm: string): Buffer {
  return createHash(algorithm).update(new X509Certificate(certificate.certPem).raw).digest();
}

interface Assertion {
  readonly alg?: string;
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly clientId?: string;
  readonly keyPem?: string;
}

/** As MSAL makes it. */
async function assertion({ alg = 'PS256', header, claims, clientId = app, keyPem }: Assertion = {}) {
  const nowS = Math.floor(nowMs / 1000);
  const times = { nbf: nowS, exp: nowS + 600, jti: randomUUID() };
  return new SignJWT({ aud: tokenUrl(), iss: clientId, sub: clientId, ...times, ...claims })
    .setProtectedHeader({ alg, typ: 'JWT', ...(header ?? { 'x5t#S256': digestOf('sha256').toString('base64url') }) })
    .sign(await importPKCS8(keyPem ?? certificate.keyPem, alg));
}

const byAssertion = async (token: string, clientId = app, path = 'oauth2/v2.0/token') =>
  pool.askToken(
    {
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      client_assertion_type: jwtBearer,
      client_assertion: token,
    },
    path,
  );

describe('a certificate', () => {
  const x5t = () => ({ x5t: digestOf('sha1').toString('base64url') });
  const x5c = () => ({ x5c: [new X509Certificate(certificate.certPem).raw.toString('base64')] });

  test.each<[string, () => Assertion]>([
    ['PS256 and x5t#S256', () => ({})],
    ['RS256 and x5t', () => ({ alg: 'RS256', header: x5t() })],
    ['RS256 and x5c', () => ({ alg: 'RS256', header: x5c() })],
    ['the v1 token endpoint as audience', () => ({ claims: { aud: tokenUrl().replace('/v2.0', '') } })],
    [
      "Entra ID's own host as audience",
      () => ({ claims: { aud: `https://login.microsoftonline.com/${pool.hsm.tenantId}/oauth2/v2.0/token` } }),
    ],
    ['a host the mock was started with', () => ({ claims: { aud: `https://a.hsm.test/${pool.hsm.tenantId}/v2.0` } })],
  ])('signs in with %s', async (_what, make) => {
    const { status, body } = await byAssertion(await assertion(make()));
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ appid: app, appidacr: '2' });
  });

  test('known by its thumbprint alone must be brought along', async () => {
    const sent = (header: Record<string, unknown>) => assertion({ clientId: pinned, alg: 'RS256', header });
    expect(await byAssertion(await sent(x5c()), pinned)).toMatchObject({ status: 200 });
    expect(await byAssertion(await sent(x5t()), pinned)).toMatchObject({
      status: 401,
      body: { error_codes: [700027] },
    });
  });

  test.each<[string, () => Assertion | Promise<Assertion>, number, string]>([
    ['another audience', () => ({ claims: { aud: 'https://evil.test/oauth2/v2.0/token' } }), 700023, 'invalid_client'],
    [
      'another tenant in the audience',
      () => ({ claims: { aud: tokenUrl().replace(pool.hsm.tenantId, randomUUID()) } }),
      700023,
      'invalid_client',
    ],
    ['an end in the past', () => ({ claims: { exp: Math.floor(nowMs / 1000) - 301 } }), 700024, 'invalid_client'],
    [
      'a beginning in the future',
      () => ({ claims: { nbf: Math.floor(nowMs / 1000) + 400 } }),
      700024,
      'invalid_client',
    ],
    ['a beginning that is no time', () => ({ claims: { nbf: 9e15 } }), 700024, 'invalid_client'],
    ['an end before all times', () => ({ claims: { nbf: -9e15, exp: -9e15 } }), 700024, 'invalid_client'],
    ['no end', () => ({ claims: { exp: undefined } }), 50027, 'invalid_request'],
    ['another subject', () => ({ claims: { sub: randomUUID() } }), 700021, 'invalid_client'],
    [
      'an unknown thumbprint',
      () => ({ header: { x5t: Buffer.alloc(20).toString('base64url') } }),
      700027,
      'invalid_client',
    ],
    ['another key', async () => ({ keyPem: (await makeAuthority(new Date())).keyPem }), 700027, 'invalid_client'],
    ['no certificate in its header', () => ({ header: {} }), 700027, 'invalid_client'],
  ])('with %s is refused', async (_what, make, number, error) => {
    const { status, body } = await byAssertion(await assertion(await make()));
    expect([status, body.error, body.error_codes]).toEqual([error === 'invalid_request' ? 400 : 401, error, [number]]);
  });

  test('that is registered for another application does not help', async () => {
    const stolen = await assertion({ clientId: workload });
    expect(await byAssertion(stolen, workload)).toMatchObject({ status: 401, body: { error_codes: [700027] } });
    expect(await byAssertion('garbage')).toMatchObject({ status: 400, body: { error_codes: [50027] } });
  });
});

describe('a token of a trusted issuer', () => {
  async function federated(claims: Record<string, unknown> = {}, key = issuerKeys.privateKey) {
    const nowS = Math.floor(nowMs / 1000);
    const good = { iss: 'https://issuer.test', sub: 'me', aud: 'api://AzureADTokenExchange', exp: nowS + 60 };
    return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'any' }).sign(key);
  }

  test('signs in', async () => {
    const { status, body } = await byAssertion(await federated(), workload);
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ appid: workload, appidacr: '2' });
  });

  test.each([
    ['issuer', { iss: 'https://other.test' }, 700211],
    ['subject', { sub: 'you' }, 700213],
    ['audience', { aud: 'other' }, 700212],
    ['end', { exp: 1 }, 700024],
  ])('with another %s is refused', async (_what, change, number) => {
    const answer = await byAssertion(await federated(change), workload);
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [number] } });
  });

  test('with another key is refused', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(await byAssertion(await federated({}, privateKey), workload)).toMatchObject({ status: 401 });
  });
});

describe('a user', () => {
  const password = { grant_type: 'password', client_id: azureCli, username: 'alice@contoso.test', password: 'p' };
  const userScope = `${scope} openid profile offline_access`;
  const ask = (form: Record<string, string>) =>
    pool.askToken({ ...password, scope: userScope, client_info: '1', ...form });

  test('signs in with a password and gets what MSAL keeps', async () => {
    const { status, body } = await ask({});
    expect(status).toBe(200);
    const { oid } = decodeJwt(body.access_token);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, refresh_token: expect.any(String) });
    expect(body.scope.split(' ')).toContain(scope);
    expect(decodeJwt(body.id_token)).toMatchObject({ aud: azureCli, oid, preferred_username: 'alice@contoso.test' });
    const info = JSON.parse(Buffer.from(body.client_info, 'base64url').toString());
    expect(info).toEqual({ uid: oid, utid: pool.hsm.tenantId });
  });

  test('has the rights of its groups', async () => {
    const { body } = await ask({});
    expect(await pool.call('GET', '/keys', { token: body.access_token })).toMatchObject({ status: 200 });
  });

  test('stays signed in by its refresh token, with this client alone and for 90 days', async () => {
    const { refresh_token } = (await ask({})).body;
    const refresh = { grant_type: 'refresh_token', client_id: azureCli, refresh_token };
    const graph = await pool.askToken({ ...refresh, scope: 'https://graph.microsoft.com/.default openid' });
    expect(decodeJwt(graph.body.access_token)).toMatchObject({ aud: 'https://graph.microsoft.com' });
    const other = await pool.askToken({ ...refresh, client_id: app, scope });
    expect(other).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    nowMs += 91 * 86_400_000;
    expect(await pool.askToken({ ...refresh, scope })).toMatchObject({ body: { error_codes: [700082] } });
    nowMs -= 91 * 86_400_000;
    const forged = await pool.askToken({ ...refresh, refresh_token: `${refresh_token}A`, scope });
    expect(forged).toMatchObject({ status: 400, body: { error_codes: [70000] } });
  });

  test.each([
    ['a wrong password', { password: 'x' }, 50126],
    ['an unknown name', { username: 'nobody@contoso.test' }, 50034],
    ['a disabled account', { username: 'bob@contoso.test' }, 50057],
  ])('with %s is refused', async (_what, change, number) => {
    expect(await ask(change)).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_codes: [number] } });
  });

  test('is known by the domain, at common and organizations', async () => {
    const realm = (upn: string) => pool.call('GET', `/common/UserRealm/${upn}?api-version=1.0`, { token: null });
    expect((await realm('alice@contoso.test')).body).toMatchObject({
      account_type: 'Managed',
      domain_name: 'contoso.test',
    });
    expect((await realm('a@nowhere.test')).body).toMatchObject({ account_type: 'Unknown' });
    for (const tenant of ['common', 'organizations', 'contoso.test']) {
      const path = `/${tenant}/v2.0/.well-known/openid-configuration`;
      expect(await pool.call('GET', path, { token: null })).toMatchObject({ status: 200 });
    }
    const elsewhere = await pool.call('GET', `/${randomUUID()}/v2.0/.well-known/openid-configuration`, { token: null });
    expect(elsewhere).toMatchObject({ status: 400, body: { error_codes: [90002] } });
  });
});

describe('a device', () => {
  const form = { client_id: azureCli, scope: `${scope} openid offline_access` };
  const begin = async () => (await pool.askToken(form, 'oauth2/v2.0/devicecode')).body;
  const poll = (device_code: string) =>
    pool.askToken({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: azureCli, device_code });
  const answer = (body: unknown) => pool.call('POST', '/mock/devicelogin', { token: null, body });

  test('waits until its user approves on the page, and gets tokens once', async () => {
    const { user_code, device_code, verification_uri, message } = await begin();
    expect(message).toContain(user_code);
    expect(await poll(device_code)).toMatchObject({
      status: 400,
      body: { error: 'authorization_pending', error_codes: [70016] },
    });
    expect(verification_uri).toBe(`${pool.hsm.url}/devicelogin`);
    const approve = (password: string) =>
      pool.call('POST', '/devicelogin', {
        token: null,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          code: user_code.toLowerCase(),
          username: 'alice@contoso.test',
          password,
        }).toString(),
      });
    expect(await approve('wrong')).toMatchObject({ status: 400 });
    expect(await approve('p')).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    const { status, body } = await poll(device_code);
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ upn: 'alice@contoso.test', appid: azureCli });
    expect(body).toMatchObject({ refresh_token: expect.any(String), id_token: expect.any(String) });
    expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'bad_verification_code' } });
  });

  test('is declined, or too late', async () => {
    const declined = await begin();
    expect(await answer({ userCode: declined.user_code, decline: true })).toMatchObject({ status: 200 });
    expect((await poll(declined.device_code)).body.error).toBe('authorization_declined');
    const late = await begin();
    nowMs += 901_000;
    expect((await poll(late.device_code)).body).toMatchObject({ error: 'expired_token', error_codes: [70020] });
    nowMs -= 901_000;
    expect(await answer({ userCode: 'NONE', user: 'alice' })).toMatchObject({ status: 400 });
  });
});

describe('refusals', () => {
  test('of a disabled application, and of common for an application', async () => {
    const { body } = await pool.call<SeedBody>('GET', '/mock/seed', { token: null });
    const stopped = body.servicePrincipals.find(({ name }) => name === 'stopped')?.clientId ?? '';
    const form = { grant_type: 'client_credentials', client_id: stopped, client_secret: 's', scope };
    expect(await pool.askToken(form)).toMatchObject({ status: 400, body: { error_codes: [7000112] } });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const common = { token: null, headers, body: new URLSearchParams(form).toString() };
    expect(await pool.call('POST', '/common/oauth2/v2.0/token', common)).toMatchObject({
      body: { error_codes: [50059] },
    });
  });

  test('of an authority that is not ours, before any token is asked for', async () => {
    const ask = (authority: string) => {
      const endpoint = encodeURIComponent(`${authority}/oauth2/v2.0/authorize`);
      const path = `/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`;
      return pool.call<TokenBody>('GET', path, { token: null });
    };
    const unknown = await ask(`https://login.evil.test/${pool.hsm.tenantId}`);
    expect(unknown).toMatchObject({ status: 400, body: { error: 'invalid_instance', error_codes: [50049] } });
    const own = (await ask(`${pool.hsm.url}/${pool.hsm.tenantId}`)).body;
    const path = `${pool.hsm.tenantId}/v2.0/.well-known/openid-configuration`;
    expect(own.tenant_discovery_endpoint).toBe(`${pool.hsm.url}/${path}`);
    // Python leaves out the port.
    const bare = (await ask(`https://localhost/${pool.hsm.tenantId}`)).body;
    expect(bare.tenant_discovery_endpoint).toBe(`${pool.hsm.url}/${path}`);
    const known = (await ask(`https://login.microsoftonline.com/${pool.hsm.tenantId}`)).body;
    expect(known.tenant_discovery_endpoint).toBe(`https://login.microsoftonline.com/${path}`);
  });

  test('of a seed that comes as a form or is wrong, over /mock/seed', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = await pool.call('POST', '/mock/seed', { token: null, headers, body: '{"users":[]}' });
    expect(form).toMatchObject({
      status: 415,
      body: { error: { message: expect.stringContaining('application/json') } },
    });
    const wrong = await pool.call('POST', '/mock/seed', { token: null, body: { users: 7 } });
    expect(wrong).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('seed: users: ') } },
    });
  });

  test('carry the request id of the caller', async () => {
    const id = randomUUID();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'client-request-id': id };
    const { body } = await pool.call('POST', `/${pool.hsm.tenantId}/oauth2/v2.0/token`, {
      token: null,
      headers,
      body: 'a=b',
    });
    expect(body).toMatchObject({ correlation_id: id, error_codes: [900144] });
  });
});
