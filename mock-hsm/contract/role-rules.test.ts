// What may be written about roles, and what is refused: names, scopes, principals, limits, the last administrator.

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtInRoles } from '../rbac/builtin-roles.ts';
import type { ListBody } from './answer-body.ts';
import { PoolConnection, role } from './pool-connection.ts';

const definitions = '/providers/Microsoft.Authorization/roleDefinitions';
const assignments = '/providers/Microsoft.Authorization/roleAssignments';
const readAction = 'Microsoft.KeyVault/managedHsm/keys/read/action';

const customRole = (roleName: string, dataActions = [readAction]) => ({
  properties: { roleName, permissions: [{ dataActions }] },
});

const assignmentOf = (roleDefinitionId: string, principalId: string, more: object = {}) => ({
  properties: { roleDefinitionId, principalId, ...more },
});

const namesOf = (body: ListBody) => body.value.map(({ name }) => name);

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open();
});

afterAll(() => pool.close());

const put = (path: string, body: unknown) => pool.asAdmin('PUT', path, body);

describe('a role definition', () => {
  test('answers as recorded: members in order, empty lists present, type CustomRole whatever was sent', async () => {
    const id = randomUUID();
    const sent = {
      properties: { roleName: 'Reader', type: 'AKVBuiltInRole', permissions: [{ dataActions: [readAction] }] },
    };
    const answer = await put(`${definitions}/${id.toUpperCase()}`, sent);
    expect(answer.status).toBe(201);
    expect(JSON.stringify(answer.body)).toBe(
      JSON.stringify({
        id: `Microsoft.KeyVault${definitions}/${id}`,
        name: id,
        properties: {
          assignableScopes: ['/'],
          description: '',
          permissions: [{ actions: [], dataActions: [readAction], notActions: [], notDataActions: [] }],
          roleName: 'Reader',
          type: 'CustomRole',
        },
        type: 'Microsoft.Authorization/roleDefinitions',
      }),
    );
    expect((await pool.asAdmin('GET', `${definitions}/${id}`)).body).toEqual(answer.body);
    expect(await put(`${definitions}/${id}`, sent)).toMatchObject({ status: 201, body: answer.body });
    expect(await pool.asAdmin('DELETE', `${definitions}/${id}`)).toMatchObject({ status: 200, body: answer.body });
    expect(await pool.asAdmin('GET', `${definitions}/${id}`)).toMatchObject({ status: 404 });
  });

  test('may share its role name with another custom role, and not with a built-in one', async () => {
    for (let i = 0; i < 2; i += 1) {
      expect(await put(`${definitions}/${randomUUID()}`, customRole('Twin'))).toMatchObject({ status: 201 });
    }
    expect(await put(`${definitions}/${randomUUID()}`, customRole('Managed HSM Crypto User'))).toMatchObject({
      status: 400,
    });
  });

  test('may be without permissions, and with ones for Resource Manager, which give nothing here', async () => {
    const id = randomUUID();
    const properties = { roleName: 'ARM only', permissions: [{ actions: [readAction] }] };
    expect(await put(`${definitions}/${id}`, { properties })).toMatchObject({ status: 201 });
    const principalId = pool.hsm.client.objectId;
    await put(`${assignments}/${randomUUID()}`, assignmentOf(id, principalId));
    expect(await pool.call('GET', '/keys')).toMatchObject({ status: 403 });
    const nothing = { properties: { roleName: 'Nothing', permissions: [] } };
    expect(await put(`${definitions}/${randomUUID()}`, nothing)).toMatchObject({
      status: 201,
      body: { properties: { permissions: [] } },
    });
  });

  test('changes what its assignments allow', async () => {
    const id = randomUUID();
    await put(`${definitions}/${id}`, customRole('Changing', ['Microsoft.KeyVault/managedHsm/rng/action']));
    await put(`${assignments}/${randomUUID()}`, assignmentOf(id, pool.hsm.client.objectId));
    expect(await pool.call('GET', '/deletedkeys')).toMatchObject({ status: 403 });
    await put(
      `${definitions}/${id}`,
      customRole('Changing', ['microsoft.keyvault/managedHSM/keys/deletedKeys/read/action']),
    );
    expect(await pool.call('GET', '/deletedkeys')).toMatchObject({ status: 200 });
  });

  test.each([
    ['a name that is no GUID', 'not-a-guid', customRole('x'), 'Role definition name must be a GUID'],
    ['a wildcard', randomUUID(), customRole('x', ['Microsoft.KeyVault/managedHsm/keys/*']), 'dataActions.0 is invalid'],
    ['an unknown data action', randomUUID(), customRole('x', ['keys/read/action']), 'dataActions.0 is invalid'],
    ['no properties', randomUUID(), {}, 'Property properties is invalid'],
  ])('with %s is BadParameter', async (_what, name, body, message) => {
    const answer = await put(`${definitions}/${name}`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
    expect(answer.body.error.message).toContain(message);
  });

  test('that is not there is RoleDefinitionNotFound, also by a name that is no GUID', async () => {
    for (const [method, name] of [
      ['GET', 'does_not_exist'],
      ['DELETE', randomUUID()],
    ] as const) {
      const answer = await pool.asAdmin(method, `${definitions}/${name}`);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'RoleDefinitionNotFound' } } });
      expect(answer.body.error.message).toMatch(/^Requested role definition not found \(Activity ID: /);
    }
  });

  test('is written at / alone', async () => {
    expect(await put(`/keys${definitions}/${randomUUID()}`, customRole('x'))).toMatchObject({ status: 400 });
    expect(await put(`///${definitions.slice(1)}/${randomUUID()}`, customRole('x'))).toMatchObject({ status: 201 });
  });
});

describe('a role assignment', () => {
  test.each(['User', 'Group', 'ServicePrincipal', 'MSI'])('of a %s is taken, and the type not echoed', async (type) => {
    const principalId = randomUUID().toUpperCase();
    const answer = await put(
      `${assignments}/${randomUUID()}`,
      assignmentOf(role.cryptoUser, principalId, { principalType: type }),
    );
    expect(answer).toMatchObject({ status: 201 });
    expect(answer.body.properties).toEqual({
      principalId,
      roleDefinitionId: `Microsoft.KeyVault${definitions}/${role.cryptoUser}`,
      scope: '/',
    });
  });

  test('names its role by id, with or without a leading slash, or by GUID alone', async () => {
    const forms = [`Microsoft.KeyVault${definitions}/`, `/Microsoft.KeyVault${definitions}/`, ''];
    for (const form of forms) {
      const body = assignmentOf(`${form}${role.cryptoOfficer}`, randomUUID());
      expect(await put(`${assignments}/${randomUUID()}`, body)).toMatchObject({ status: 201 });
    }
  });

  test('at a key that is not there yet works once it is; its name compares without regard to case', async () => {
    const made = await put(
      `/keys/Later${assignments}/${randomUUID()}`,
      assignmentOf(role.cryptoUser, pool.hsm.client.objectId),
    );
    expect(made).toMatchObject({ status: 201, body: { properties: { scope: '/keys/Later' } } });
    expect(await pool.call('POST', '/keys/LATER/create', { body: { kty: 'EC-HSM' } })).toMatchObject({ status: 200 });
    expect(await pool.call('GET', '/keys/later')).toMatchObject({ status: 200 });
    expect(await pool.call('GET', '/keys/late')).toMatchObject({ status: 403 });
  });

  test.each([
    ['a name that is no GUID', 'x', assignmentOf(role.cryptoUser, randomUUID()), 'must be a GUID'],
    ['a principal that is no GUID', randomUUID(), assignmentOf(role.cryptoUser, 'me@contoso.com'), 'principalId'],
    ['a role by its name', randomUUID(), assignmentOf('Managed HSM Crypto User', randomUUID()), 'roleDefinitionId'],
    ['nothing', randomUUID(), {}, 'Property properties is invalid'],
  ])('with %s is BadParameter', async (_what, name, body, message) => {
    const answer = await put(`${assignments}/${name}`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
    expect(answer.body.error.message).toContain(message);
  });

  test('under the name of another one, or for the same principal, role and scope, is RoleAssignmentExists', async () => {
    const [name, principalId] = [randomUUID(), randomUUID()];
    expect(await put(`${assignments}/${name}`, assignmentOf(role.cryptoUser, principalId))).toMatchObject({
      status: 201,
    });
    const again = [
      await put(`${assignments}/${name}`, assignmentOf(role.cryptoOfficer, randomUUID())),
      await put(`${assignments}/${randomUUID()}`, assignmentOf(role.cryptoUser, principalId.toUpperCase())),
    ];
    for (const answer of again) {
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'RoleAssignmentExists' } } });
    }
    const elsewhere = await put(`/keys${assignments}/${randomUUID()}`, assignmentOf(role.cryptoUser, principalId));
    expect(elsewhere).toMatchObject({ status: 201 });
  });

  test('that is not there is RoleAssignmentNotFound', async () => {
    const answer = await pool.asAdmin('DELETE', `${assignments}/${randomUUID()}`);
    expect(answer).toMatchObject({ status: 404, body: { error: { code: 'RoleAssignmentNotFound' } } });
    expect(answer.body.error.message).toMatch(/^Requested role assignment not found \(Activity ID: /);
  });

  test('is the 51st of the pool, counting / and /keys together, or the 11th of a key: refused', {
    tags: ['own-pool'],
  }, async () => {
    const full = await PoolConnection.open();
    const add = (scope: string) => full.assign(role.cryptoUser, scope, randomUUID());
    const statuses: number[] = [];
    // The administrator is the first of the pool's 50.
    for (let i = 0; i < 49; i += 1) statuses.push((await add(i % 2 === 0 ? '/' : '/keys')).status);
    for (let i = 0; i < 10; i += 1) statuses.push((await add(i % 2 === 0 ? '/keys/a' : '/keys/A')).status);
    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const scope of ['/', '/keys', '/keys/a']) expect(await add(scope)).toMatchObject({ status: 400 });
    expect(await add('/keys/b')).toMatchObject({ status: 201 });
    await full.close();
  });
});

describe('lists', () => {
  const query = (filter: string) => `?api-version=7.4&$filter=${encodeURIComponent(filter)}`;

  test('hold the built-in roles in the order of the wire, then custom ones, all in one page', {
    tags: ['own-pool'],
  }, async () => {
    const { body } = await pool.asAdmin<ListBody>('GET', `${definitions}${query('atScopeAndBelow()')}`);
    expect(namesOf(body).slice(0, builtInRoles.length)).toEqual(builtInRoles.map(({ name }) => name));
    expect(Object.keys(body)).toEqual(['value']);
  });

  test('take a principal with or without quotes, and find its assignments at every scope, the last name first', async () => {
    const principalId = randomUUID();
    const made = [];
    for (const scope of ['/', '/keys', '/keys/x']) {
      made.push((await pool.assign(role.cryptoUser, scope, principalId)).body.name);
    }
    const listed = made.toSorted().reverse();
    for (const filter of [`principalId eq '${principalId}'`, `principalId eq ${principalId.toUpperCase()}`]) {
      expect(namesOf((await pool.asAdmin<ListBody>('GET', `${assignments}${query(filter)}`)).body)).toEqual(listed);
    }
    const atPool = namesOf((await pool.asAdmin<ListBody>('GET', `${assignments}${query('atScope()')}`)).body);
    expect(made.map((name) => atPool.includes(name))).toEqual([true, true, false]);
    const atKey = namesOf((await pool.asAdmin<ListBody>('GET', `/keys/x${assignments}`)).body);
    expect(made.map((name) => atKey.includes(name))).toEqual([true, true, true]);
    const atOtherKey = namesOf((await pool.asAdmin<ListBody>('GET', `/keys/y${assignments}`)).body);
    expect(made.map((name) => atOtherKey.includes(name))).toEqual([true, true, false]);
  });

  test('refuse a filter that they do not know', async () => {
    for (const path of [definitions, assignments]) {
      expect(await pool.asAdmin('GET', `${path}${query('roleName eq 1')}`)).toMatchObject({
        status: 400,
        body: { error: { code: 'BadParameter' } },
      });
    }
  });
});

test('initial administrators each have an ordinary assignment, made once', { tags: ['own-pool'] }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-'));
  const initialAdministrators = [randomUUID(), randomUUID()];
  for (let start = 0; start < 2; start += 1) {
    const own = await PoolConnection.open({ dataDir: folder, initialAdministrators });
    const { value } = (await own.asAdmin<ListBody>('GET', assignments)).body;
    const expected = [own.hsm.admin.objectId, ...initialAdministrators].sort();
    expect(value.map(({ properties }) => properties.principalId).sort()).toEqual(expected);
    await own.close();
  }
  rmSync(folder, { recursive: true });
});

test('the last administrator may go, and comes back only by a start that names it', {
  tags: ['own-pool'],
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-'));
  const own = await PoolConnection.open({ dataDir: folder });
  const { objectId } = own.hsm.admin;
  const [last] = namesOf((await own.asAdmin<ListBody>('GET', assignments)).body);
  expect(await own.asAdmin('DELETE', `${assignments}/${last}`)).toMatchObject({ status: 200 });
  expect(await own.asAdmin('GET', assignments)).toMatchObject({ status: 403 });
  await own.close();
  const statuses = [];
  for (const initialAdministrators of [[], [objectId]]) {
    const again = await PoolConnection.open({ dataDir: folder, initialAdministrators });
    statuses.push((await again.asAdmin('GET', assignments)).status);
    await again.close();
  }
  expect(statuses).toEqual([403, 200]);
  rmSync(folder, { recursive: true });
});

test('a propagation delay: lists show a new assignment at once, and it is felt when the clock has moved on', {
  tags: ['clock'],
}, async () => {
  let nowMs = Date.now();
  const slow = await PoolConnection.open({ propagationDelayMs: 30_000, now: () => nowMs });
  const made = (await slow.assign(role.cryptoUser, '/keys')).body.name;
  expect(namesOf((await slow.asAdmin<ListBody>('GET', assignments)).body)).toContain(made);
  const statusOfList = async () => (await slow.call('GET', '/keys')).status;
  const statuses = [await statusOfList()];
  nowMs += 30_000;
  statuses.push(await statusOfList());
  await slow.asAdmin('DELETE', `${assignments}/${made}`);
  statuses.push(await statusOfList());
  nowMs += 30_000;
  statuses.push(await statusOfList());
  expect(statuses).toEqual([403, 200, 200, 403]);
  await slow.close();
});
