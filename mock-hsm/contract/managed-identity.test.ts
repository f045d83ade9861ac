// @module-tag directory

import { randomUUID } from 'node:crypto';
import { ManagedIdentityCredential } from '@azure/identity';
import { decodeJwt } from 'jose';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type MockHsm, startMockHsm } from '../start.ts';
import type { RequestEntry } from '../traffic/request-log.ts';
import type { SeedBody } from './answer-body.ts';
import { PoolConnection } from './pool-connection.ts';

const resource = 'https://managedhsm.azure.net';
const [machineId, signerId, backupId] = [randomUUID(), randomUUID(), randomUUID()];
let hsm: MockHsm;
let pool: PoolConnection;

beforeAll(async () => {
  hsm = await startMockHsm({
    imdsPort: 0,
    hostnames: ['*.hsm.test'],
    seedDocument: {
      managedIdentities: [
        { name: 'web', clientId: machineId, assigned: 'system' },
        { name: 'signer', clientId: signerId, tokenLifetime: 120 },
        { name: 'backup', clientId: backupId },
        { name: 'elsewhere', onThisMachine: false },
      ],
      roleAssignments: ['web', 'signer', 'backup'].map((principal) => ({
        role: 'Managed HSM Crypto User',
        principal,
        scope: '/keys',
      })),
    },
  });
  pool = new PoolConnection(hsm);
});

afterAll(() => pool.close());
afterEach(() => {
  vi.unstubAllEnvs();
});

async function get(url: string, headers: Record<string, string>) {
  const response = await request(url, { headers });
  const text = await response.body.text();
  return { status: response.statusCode, body: JSON.parse(text) as Record<string, string> };
}

const imds = (query: string, headers: Record<string, string> = { Metadata: 'true' }) =>
  get(`${hsm.imdsUrl}/metadata/identity/oauth2/token${query}`, headers);

const ask = (more = '') => imds(`?api-version=2018-02-01&resource=${resource}${more}`);

async function identity(name: string) {
  const { body } = await pool.call<SeedBody>('GET', '/mock/seed', { token: null });
  const found = body.managedIdentities.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the seed has no managed identity ${name}`);
  return found;
}

describe('IMDS', () => {
  test('gives the system-assigned identity a token that the pool takes, with numbers as text', async () => {
    const { status, body } = await ask();
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      client_id: machineId,
      expires_in: '3600',
      expires_on: expect.stringMatching(/^\d{10}$/),
      ext_expires_in: '3600',
      not_before: expect.stringMatching(/^\d{10}$/),
      resource,
      token_type: 'Bearer',
    });
    const { objectId, resourceId } = await identity('web');
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({
      aud: resource,
      appid: machineId,
      oid: objectId,
      sub: objectId,
      idtyp: 'app',
      xms_mirid: resourceId,
      ver: '1.0',
    });
    expect(await pool.call('GET', '/keys', { token: body.access_token ?? '' })).toMatchObject({ status: 200 });
  });

  test.each(['169.254.169.254', '[::1]:8081', 'LocalHost:8081', 'vm.hsm.test'])('answers at %s', async (host) => {
    const query = `?api-version=2018-02-01&resource=${resource}`;
    expect(await imds(query, { Metadata: 'true', Host: host })).toMatchObject({ status: 200 });
  });

  test('finds a user-assigned identity by client id, object id and both names of the resource id', async () => {
    const { objectId, resourceId } = await identity('signer');
    const id = encodeURIComponent(resourceId);
    for (const choice of [
      `client_id=${signerId.toUpperCase()}`,
      `object_id=${objectId}`,
      `msi_res_id=${id}`,
      `mi_res_id=${id}`,
    ]) {
      expect(await ask(`&${choice}`)).toMatchObject({ status: 200, body: { client_id: signerId, expires_in: '120' } });
    }
  });

  test.each<[string, string, Record<string, string>, string]>([
    ['the probe without header', '', {}, 'Required metadata header not specified'],
    [
      'a forwarded request',
      '?api-version=2018-02-01',
      { Metadata: 'true', 'X-Forwarded-For': '1.2.3.4' },
      'X-Forwarded-For',
    ],
    [
      'a web page whose name leads here',
      `?api-version=2018-02-01&resource=${resource}`,
      { Metadata: 'true', Host: 'rebound.example:8081' },
      'rebound.example',
    ],
    [
      'a name that begins as an address does',
      `?api-version=2018-02-01&resource=${resource}`,
      { Metadata: 'true', Host: '169.254.169.254.rebound.example' },
      'rebound.example',
    ],
    ['no api-version', `?resource=${resource}`, { Metadata: 'true' }, 'api-version'],
    ['an old api-version', `?api-version=2017-01-01&resource=${resource}`, { Metadata: 'true' }, '2017-01-01'],
    ['no resource', '?api-version=2018-02-01', { Metadata: 'true' }, 'resource'],
  ])('answers %s with 400', async (_what, query, headers, reason) => {
    const { status, body } = await imds(query, headers);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    expect(body.error_description).toContain(reason);
  });

  test('has no token for an identity of another machine, for an unknown one, for an unknown resource', async () => {
    const { clientId } = await identity('elsewhere');
    for (const id of [clientId, randomUUID()]) {
      const body = { error: 'invalid_request', error_description: 'Identity not found' };
      expect(await ask(`&client_id=${id}`)).toEqual({ status: 400, body });
    }
    const nowhere = await imds('?api-version=2018-02-01&resource=https://nowhere.example');
    expect(nowhere).toMatchObject({ status: 400, body: { error: 'invalid_resource' } });
  });

  test('is down when it is told to be, and comes back', async () => {
    const fault = { operation: 'imdsToken', status: 503, times: 1 };
    await pool.call('POST', '/mock/faults', { token: null, body: fault });
    const statuses = [(await ask()).status, (await ask()).status];
    expect(statuses).toEqual([503, 200]);
  });

  test('without a system-assigned identity takes the only other one, and asks which when there are several', async () => {
    const one = await startMockHsm({
      imdsPort: 0,
      seedDocument: { managedIdentities: [{ name: 'a', clientId: signerId }] },
    });
    const other = new PoolConnection(one);
    const url = `${one.imdsUrl}/metadata/identity/oauth2/token?api-version=2021-10-01&resource=${resource}`;
    expect(await get(url, { Metadata: 'True' })).toMatchObject({ status: 200, body: { client_id: signerId } });
    await other.call('POST', '/mock/seed', { token: null, body: { managedIdentities: [{ name: 'b' }] } });
    const several = await get(url, { Metadata: 'true' });
    expect(several.status).toBe(400);
    expect(several.body.error_description).toContain('Multiple user assigned identities exist');
    await other.close();
  });

  test('shows in the request log who got a token', async () => {
    await ask(`&client_id=${backupId}`);
    const { body } = await pool.call<RequestEntry[]>('GET', '/mock/requests', { token: null });
    const last = body.findLast(({ operation }) => operation === 'imdsToken');
    expect(last).toMatchObject({ status: 200, clientId: backupId, principal: (await identity('backup')).objectId });
    expect(JSON.stringify(body)).not.toContain('eyJ');
  });
});

describe('the App Service endpoint', () => {
  const app = (query: string, headers: Record<string, string>) => get(`${hsm.identityEndpoint}${query}`, headers);
  const secret = () => hsm.identityHeader ?? '';

  test('knows both api-versions with their own names', async () => {
    const now = { 'X-IDENTITY-HEADER': secret() };
    expect(await app(`?api-version=2019-08-01&resource=${resource}&client_id=${signerId}`, now)).toEqual({
      status: 200,
      body: {
        access_token: expect.any(String),
        client_id: signerId,
        expires_on: expect.stringMatching(/^\d{10}$/),
        not_before: expect.stringMatching(/^\d{10}$/),
        resource,
        token_type: 'Bearer',
      },
    });
    const before = await app(`?api-version=2017-09-01&resource=${resource}&clientid=${signerId}`, { secret: secret() });
    expect(before).toMatchObject({ status: 200, body: { client_id: signerId } });
  });

  test.each([
    ['a wrong secret', '2019-08-01', '', 'wrong', 401],
    ['no secret', '2019-08-01', '', '', 401],
    ['another api-version', '2020-01-01', '', 'right', 400],
    ['what objects have as an api-version', 'constructor', '', 'right', 400],
    ['an unknown identity', '2019-08-01', `&client_id=${randomUUID()}`, 'right', 400],
  ])('refuses %s', async (_what, version, more, given, status) => {
    const header = given === 'right' ? secret() : given;
    const answer = await app(`?api-version=${version}&resource=${resource}${more}`, { 'X-IDENTITY-HEADER': header });
    expect(answer).toMatchObject({ status, body: { statusCode: status } });
  });
});

describe("Azure's own ManagedIdentityCredential", () => {
  // MSAL keeps tokens for the process by identity and resource: each test has an identity of its own.
  test('works over AZURE_POD_IDENTITY_AUTHORITY_HOST, system- and user-assigned', async () => {
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', hsm.imdsUrl);
    const machine = await new ManagedIdentityCredential().getToken(`${resource}/.default`);
    expect(decodeJwt(machine.token)).toMatchObject({ appid: machineId });
    const { resourceId } = await identity('signer');
    const signer = await new ManagedIdentityCredential({ resourceId }).getToken(`${resource}/.default`);
    expect(decodeJwt(signer.token)).toMatchObject({ appid: signerId });
    expect(await pool.call('GET', '/keys', { token: signer.token })).toMatchObject({ status: 200 });
  });

  test('works over IDENTITY_ENDPOINT and IDENTITY_HEADER', async () => {
    vi.stubEnv('IDENTITY_ENDPOINT', hsm.identityEndpoint);
    vi.stubEnv('IDENTITY_HEADER', hsm.identityHeader);
    const { token } = await new ManagedIdentityCredential({ clientId: backupId }).getToken(`${resource}/.default`);
    expect(decodeJwt(token)).toMatchObject({ appid: backupId });
  });
});
