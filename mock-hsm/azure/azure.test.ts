import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, assemble } from '../assemble.ts';
import { createApp } from '../server.ts';
import { makeServerCertificate } from '../tls/certificate-authority.ts';
import type { App } from '../traffic/call.ts';

const user = { kind: 'User', name: 'Alice', objectId: randomUUID(), upn: 'alice@contoso.com', password: 'x' } as const;
const group = { kind: 'Group', name: 'team', objectId: randomUUID(), members: [user.objectId] } as const;
const identity = {
  kind: 'ManagedIdentity',
  name: 'vm',
  objectId: randomUUID(),
  clientId: randomUUID(),
  assigned: 'system',
  resourceId: '/subscriptions/x/vm',
  onThisMachine: true,
  federatedCredentials: [],
} as const;

let assembly: Assembly;
let app: App;
const tokens = new Map<string, string>();

beforeAll(async () => {
  assembly = await assemble({ hostnames: ['*.managedhsm.azure.net'] });
  const { service, authority } = assembly;
  for (const entry of [user, group, identity]) service.directory.put(entry);
  app = createApp(service, await makeServerCertificate(authority, ['localhost'], new Date()));
  for (const resource of ['https://graph.microsoft.com', 'https://management.core.windows.net/', 'https://localhost']) {
    const grant = { subject: user, clientId: randomUUID(), proof: '0' } as const;
    tokens.set(resource, (await service.tokens.issue(grant, resource)).accessToken);
  }
});

afterAll(async () => {
  await app.close();
  await assembly.close();
});

async function ask(resource: string, url: string, body?: object) {
  const answer = await app.inject({
    method: body === undefined ? 'GET' : 'POST',
    url,
    headers: { host: 'localhost', authorization: `Bearer ${tokens.get(resource)}` },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.statusCode, body: answer.json() };
}

const graph = (path: string, body?: object) => ask('https://graph.microsoft.com', `/v1.0${path}`, body);
const arm = (path: string) => ask('https://management.core.windows.net/', `${path}?api-version=2022-12-01`);

describe('Graph', () => {
  test.each([
    ['users', "userPrincipalName eq 'Alice@contoso.com'", user.objectId],
    ['users', "displayName eq 'alice' and userPrincipalName eq 'alice@contoso.com'", user.objectId],
    ['groups', "startswith(displayName,'TE')", group.objectId],
    ['servicePrincipals', `servicePrincipalNames/any(c:c eq '${identity.clientId}')`, identity.objectId],
    ['servicePrincipals', `appId eq '${identity.clientId}'`, identity.objectId],
  ])('finds in %s by %s', async (collection, filter, objectId) => {
    const answer = await graph(`/${collection}?$filter=${encodeURIComponent(filter)}`);
    expect(answer).toMatchObject({ status: 200, body: { value: [{ id: objectId }] } });
  });

  test('finds nobody by the name of another', async () => {
    const filter = encodeURIComponent("userPrincipalName eq 'bob@contoso.com'");
    expect((await graph(`/users?$filter=${filter}`)).body.value).toEqual([]);
  });

  test.each(["accountEnabled ne true or displayName eq 'x'", "displayName eq 'x", 'eq'])(
    'refuses the filter %s, which it would misread',
    async (filter) => {
      const answer = await graph(`/users?$filter=${encodeURIComponent(filter)}`);
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'Request_BadRequest' } } });
    },
  );

  test('tells what kind of principal each object id is, and leaves out unknown ones', async () => {
    const ids = [user.objectId, group.objectId, identity.objectId.toUpperCase(), randomUUID()];
    const { body } = await graph('/directoryObjects/getByIds', { ids, types: ['user', 'group', 'servicePrincipal'] });
    const kinds = body.value.map((each: Record<string, string>) => [each.id, each['@odata.type']]);
    expect(Object.fromEntries(kinds)).toEqual({
      [user.objectId]: '#microsoft.graph.user',
      [group.objectId]: '#microsoft.graph.group',
      [identity.objectId]: '#microsoft.graph.servicePrincipal',
    });
    const onlyGroups = await graph('/directoryObjects/getByIds', { ids, types: ['group'] });
    expect(onlyGroups.body.value).toMatchObject([{ id: group.objectId }]);
  });

  test('knows one by object id or principal name, the caller, and the members of a group', async () => {
    expect((await graph(`/users/${user.upn}`)).body).toMatchObject({ id: user.objectId });
    expect((await graph('/me')).body).toMatchObject({ id: user.objectId });
    expect((await graph(`/groups/${group.objectId}/members`)).body.value).toMatchObject([{ id: user.objectId }]);
    expect(await graph(`/users/${group.objectId}`)).toMatchObject({ status: 404 });
  });

  test('shows no secret of anybody', async () => {
    const everything = await Promise.all(['users', 'groups', 'servicePrincipals'].map((each) => graph(`/${each}`)));
    const text = JSON.stringify(everything);
    expect(text).not.toContain('password');
    for (const entry of assembly.service.directory.all()) {
      for (const secret of entry.kind === 'ServicePrincipal' ? entry.secrets : [])
        expect(text).not.toContain(secret.value);
    }
  });

  test("takes its own tokens and those for the mock's address, no other service's", async () => {
    expect(await ask('https://localhost', '/v1.0/users')).toMatchObject({ status: 200 });
    expect(await ask('https://management.core.windows.net/', '/v1.0/users')).toMatchObject({
      status: 401,
      body: { error: { code: 'InvalidAuthenticationToken' } },
    });
    expect(await app.inject({ url: '/v1.0/users' })).toMatchObject({ statusCode: 401 });
  });
});

describe('Resource Manager', () => {
  test('has one tenant and one subscription in it, the same at every call', async () => {
    const { tenantId } = assembly.service.tokens;
    expect((await arm('/tenants')).body.value).toMatchObject([{ tenantId }]);
    const [subscription] = (await arm('/subscriptions')).body.value;
    expect(subscription).toMatchObject({ tenantId, state: 'Enabled' });
    expect((await arm(subscription.id)).body).toEqual(subscription);
    expect(await arm(`/subscriptions/${randomUUID()}`)).toMatchObject({ status: 404 });
  });

  test('has the pool as a resource, at the name of the service that the mock was started with', async () => {
    const [{ id: subscription }] = (await arm('/subscriptions')).body.value;
    const [pool] = (await arm(`${subscription}/providers/Microsoft.KeyVault/managedHSMs`)).body.value;
    expect(pool).toMatchObject({ name: 'mypool', properties: { hsmUri: 'https://mypool.managedhsm.azure.net/' } });
    expect((await arm(pool.id)).body).toEqual(pool);
    expect(await arm(pool.id.replace('mypool', 'other'))).toMatchObject({ status: 404 });
  });

  test('names itself as every endpoint of its cloud, to whoever asks', async () => {
    const { body } = await app.inject({ url: '/metadata/endpoints?api-version=2022-09-01', headers: { host: 'h:1' } });
    expect(JSON.parse(body)).toMatchObject({
      resourceManager: 'https://h:1',
      microsoftGraphResourceId: 'https://h:1',
      authentication: { loginEndpoint: 'https://h:1' },
    });
  });

  test('says that it is read only to what would change something, and so does Graph', async () => {
    const make = await ask('https://management.core.windows.net/', '/subscriptions/x/resourceGroups/y', { a: 1 });
    expect(make).toMatchObject({ status: 404, body: { error: { message: expect.stringContaining('read only') } } });
    const invite = await graph('/users', { displayName: 'Bob' });
    expect(invite).toMatchObject({ status: 404, body: { error: { message: expect.stringContaining('read only') } } });
  });

  test('demands a token of its own', async () => {
    expect(await app.inject({ url: '/subscriptions' })).toMatchObject({ statusCode: 401 });
    expect(await ask('https://graph.microsoft.com', '/subscriptions')).toMatchObject({ status: 401 });
  });
});
