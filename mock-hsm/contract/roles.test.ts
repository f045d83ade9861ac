import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtInRoles } from '../rbac/builtin-roles.ts';
import type { ListBody } from './answer-body.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open({ servicePrincipals: ['KEYGEN', 'OTHER'] });
});

afterAll(() => pool.close());

const definitions = '/providers/Microsoft.Authorization/roleDefinitions';
const assignments = '/providers/Microsoft.Authorization/roleAssignments';
const readAction = 'Microsoft.KeyVault/managedHsm/keys/read/action';

const readRole = {
  properties: {
    roleName: 'TLS Library User Read Role',
    description: 'Grant Read access to keys',
    permissions: [{ actions: [], notActions: [], dataActions: [readAction], notDataActions: [] }],
  },
};

function principal(name: string) {
  const found = pool.hsm.principals[name];
  if (found === undefined) throw new Error(`no principal ${name}`);
  return found;
}

test('a fresh pool has one assignment: the administrator at /', { tags: ['own-pool'] }, async () => {
  const { value } = (await pool.asAdmin<ListBody>('GET', assignments)).body;
  expect(value).toHaveLength(1);
  expect(value[0]?.properties).toEqual({
    principalId: pool.hsm.admin.objectId,
    roleDefinitionId: `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${role.administrator}`,
    scope: '/',
  });
});

test('the administrator has no right to keys', async () => {
  const answer = await pool.asAdmin('GET', '/keys');
  expect(answer).toMatchObject({ status: 403, body: { error: { code: 'AccessDenied' } } });
  expect(answer.body.error.message).toBe(
    `Not authorized to access ${readAction} on /keys (Activity ID: ${answer.headers['x-ms-request-id']})`,
  );
});

test('the built-in roles are listed at every scope', async () => {
  for (const scope of ['', '///', '/keys', '/keys/any']) {
    const { body } = await pool.asAdmin<ListBody>('GET', `${scope}${definitions}`.replace('////', '///'));
    expect(body.value.map(({ name }) => name)).toEqual(builtInRoles.map(({ name }) => name));
  }
});

test('the granular approach: read at /keys, everything at one key', async () => {
  const roleId = randomUUID();
  const created = await pool.asAdmin('PUT', `${definitions}/${roleId}`, readRole);
  expect(created).toMatchObject({ status: 201, body: { name: roleId, properties: { type: 'CustomRole' } } });
  const generator = (await pool.assign(role.cryptoUser, '/keys')).body.name;
  for (const name of ['one', 'two']) await pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM' } });
  await pool.asAdmin('DELETE', `/keys${assignments}/${generator}`);
  const sign = (name: string) =>
    pool.call('POST', `/keys/${name}/sign`, { body: { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') } });

  expect(await pool.call('GET', '/keys')).toMatchObject({ status: 403 });
  const reading = await pool.assign(roleId, '/keys');
  expect(reading).toMatchObject({ status: 201, body: { properties: { scope: '/keys' } } });
  expect(await pool.call('GET', '/keys')).toMatchObject({ status: 200 });
  expect(await pool.call('GET', '/keys/two')).toMatchObject({ status: 200 });
  expect(await sign('one')).toMatchObject({ status: 403 });
  await pool.assign(role.cryptoUser, '/keys/one');
  expect(await sign('one')).toMatchObject({ status: 200 });
  expect(await sign('two')).toMatchObject({ status: 403 });

  // The assignment outlives its role, without effect.
  await pool.asAdmin('DELETE', `${definitions}/${roleId}`);
  expect(await pool.call('GET', '/keys')).toMatchObject({ status: 403 });
  const listed = (await pool.asAdmin('GET', `/keys${assignments}`)).body.value;
  expect(listed).toContainEqual(reading.body);
});

test('without a role a name cannot be probed: 403 comes before 404', { tags: ['directory'] }, async () => {
  const token = await pool.token(principal('OTHER'));
  for (const name of ['one', 'no-such-key']) {
    expect(await pool.call('GET', `/keys/${name}`, { token })).toMatchObject({ status: 403 });
  }
});

describe('assignments', () => {
  test('at a key are listed there and not at the pool', async () => {
    const principalId = randomUUID();
    const made = (await pool.assign(role.cryptoUser, '/keys/listed', principalId)).body;
    const names = async (path: string) =>
      (await pool.asAdmin<ListBody>('GET', path)).body.value.map(({ name }) => name);
    expect(await names(assignments)).not.toContain(made.name);
    expect(await names(`/keys${assignments}`)).not.toContain(made.name);
    expect(await names(`/keys/listed${assignments}`)).toContain(made.name);
    const filter = encodeURIComponent(`principalId eq '${principalId}'`);
    expect(await names(`${assignments}?api-version=7.4&$filter=${filter}`)).toEqual([made.name]);
    expect(made.id).toBe(`${assignments}/${made.name}`);
    expect((await pool.asAdmin('DELETE', `${assignments}/${made.name}`)).body).toEqual(made);
    expect(await pool.asAdmin('GET', `${assignments}/${made.name}`)).toMatchObject({ status: 404 });
  });

  test('of the same role twice, and of a role that is not there, are refused', async () => {
    await pool.assign(role.cryptoOfficer, '/keys/x');
    expect(await pool.assign(role.cryptoOfficer, '/keys/x')).toMatchObject({
      status: 400,
      body: { error: { code: 'RoleAssignmentExists' } },
    });
    expect(await pool.assign(randomUUID(), '/keys/x')).toMatchObject({ status: 404 });
  });

  test('a policy administrator of one key cannot touch assignments elsewhere through its own path', async () => {
    const policyAdministrator = '4bd23610-cdcf-4971-bdee-bdc562cc28e4';
    await pool.assign(policyAdministrator, '/keys/mine');
    const foreign = (await pool.assign(role.cryptoUser, '/keys/theirs', randomUUID())).body.name;
    const refused = await pool.call('DELETE', `/keys/mine${assignments}/${foreign}`);
    expect(refused).toMatchObject({ status: 403 });
    const body = { properties: { roleDefinitionId: role.cryptoUser, principalId: randomUUID() } };
    const elsewhere = await pool.call('PUT', `/keys/theirs${assignments}/${randomUUID()}`, { body });
    expect(elsewhere).toMatchObject({ status: 403 });
    const own = await pool.call('PUT', `/keys/mine${assignments}/${randomUUID()}`, { body });
    expect(own).toMatchObject({ status: 201 });
  });
});

describe('definitions', () => {
  test('built-in roles cannot be changed or deleted', { tags: ['own-pool'] }, async () => {
    const path = `${definitions}/${role.cryptoUser}`;
    for (const answer of [await pool.asAdmin('PUT', path, readRole), await pool.asAdmin('DELETE', path)]) {
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
      expect(answer.body.error.message).toMatch(/^Cannot re-use the name\/GUID matching that of a built-in role\. /);
    }
  });

  test.each([
    [
      'an unknown data action',
      { ...readRole.properties, permissions: [{ dataActions: ['Microsoft.KeyVault/managedHsm/*'] }] },
    ],
    ['no role name', { permissions: [] }],
    ['a scope below the pool', { ...readRole.properties, assignableScopes: ['/keys'] }],
  ])('%s is BadParameter', async (_what, properties) => {
    const answer = await pool.asAdmin('PUT', `${definitions}/${randomUUID()}`, { properties });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
  });

  test('a notDataAction takes away from its own permission', async () => {
    const id = randomUUID();
    const permissions = [{ dataActions: [readAction], notDataActions: [readAction] }];
    await pool.asAdmin('PUT', `${definitions}/${id}`, { properties: { roleName: 'nothing', permissions } });
    await pool.assign(id, '/');
    expect(await pool.call('GET', '/keys')).toMatchObject({ status: 403 });
  });

  test('a 51st custom role is refused', { tags: ['own-pool'] }, async () => {
    const statuses = [];
    for (let i = 0; i < 51; i += 1) {
      const body = { properties: { ...readRole.properties, roleName: `role ${i}` } };
      statuses.push((await pool.asAdmin('PUT', `${definitions}/${randomUUID()}`, body)).status);
    }
    expect(statuses).toContain(201);
    expect(statuses.at(-1)).toBe(400);
  });
});
