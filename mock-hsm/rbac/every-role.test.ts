// Every built-in role against every operation of every route table. What is expected stands here as a table of its own,
// taken from the service's documentation and recorded answers, and shares nothing with the code under test.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListBody } from '../contract/answer-body.ts';
import { calls, harmless, isAccessDenied } from '../contract/every-call.ts';
import { PoolConnection } from '../contract/pool-connection.ts';
import { administratorRole, builtInRoles } from './builtin-roles.ts';
import { dataAction } from './data-actions.ts';
import { evaluate } from './evaluate.ts';

const readRoles = 'listRoleDefinitions getRoleDefinition listRoleAssignments getRoleAssignment';
const manageRoles = `${readRoles} putRoleDefinition deleteRoleDefinition putRoleAssignment deleteRoleAssignment`;
const readKeys = 'get list listVersions getRotationPolicy attestation';
const backUp = 'fullBackup fullBackupStatus preFullBackup';
const putBack = 'fullRestore restoreStatus preFullRestore selectiveKeyRestore';
const securityDomain = 'downloadDomain downloadDomainStatus transferKey uploadDomain uploadDomainStatus';
const settings = 'getSettings getSetting updateSetting';

/** Which operations each role can do, with an assignment at `/`. */
const abilities: Record<string, string> = {
  'Managed HSM Administrator': `${manageRoles} ${backUp} ${putBack} ${securityDomain} ${settings}`,
  'Managed HSM Crypto Officer': `${manageRoles} listDeleted getDeleted recover purge`,
  'Managed HSM Crypto User': `${readRoles} ${readKeys} create import update delete backup restore rotate
    updateRotationPolicy sign verify encrypt decrypt wrapKey unwrapKey release rng`,
  'Managed HSM Policy Administrator': manageRoles,
  'Managed HSM Crypto Auditor': `${readRoles} ${readKeys} listDeleted getDeleted`,
  'Managed HSM Crypto Service Encryption User': `${readKeys} wrapKey unwrapKey`,
  'Managed HSM Crypto Service Release User': 'release',
  'Managed HSM Backup User': `backup ${backUp}`,
  'Managed HSM Restore User': `restore ${putBack}`,
  'Managed HSM ARM User': '',
  // External key management has no route here.
  'Managed HSM EKM Administrator': '',
};

const can = (roleName: string, operation: string) => (abilities[roleName] ?? '').split(/\s+/).includes(operation);

const names = [...new Set(calls.map(({ operation }) => operation))];

test('the table knows each built-in role, and no operation that there is not', () => {
  expect(builtInRoles.map(({ roleName }) => roleName).sort()).toEqual(Object.keys(abilities).sort());
  const known = Object.values(abilities).flatMap((list) => list.split(/\s+/).filter((each) => each !== ''));
  expect(known.filter((operation) => !names.includes(operation))).toEqual([]);
});

test('built-in roles have GUIDs of their own, and assign at /', () => {
  expect(new Set(builtInRoles.map(({ name }) => name)).size).toBe(builtInRoles.length);
  for (const { assignableScopes, type } of builtInRoles) {
    expect({ assignableScopes, type }).toEqual({ assignableScopes: ['/'], type: 'AKVBuiltInRole' });
  }
});

describe.each(builtInRoles)('$roleName', (definition) => {
  const roles = {
    assignments: [{ name: 'n', principalId: 'p', roleDefinition: definition.name, scope: '/' }],
    definition: () => definition,
  };

  test.each(names)('%s', (operation) => {
    const action = calls.find((each) => each.operation === operation)?.action ?? 'rng/action';
    const { allowed } = evaluate({ objectId: 'p', groups: [] }, dataAction(action), '/keys/k', roles);
    expect(allowed).toBe(can(definition.roleName, operation));
  });
});

describe('over HTTPS', () => {
  let pool: PoolConnection;

  beforeAll(async () => {
    pool = await PoolConnection.open({ servicePrincipals: builtInRoles.map((_, i) => `ROLE${i}`) });
    for (const [i, { name }] of builtInRoles.entries()) await pool.assign(name, '/', principal(i).objectId);
  });

  afterAll(() => pool.close());

  function principal(i: number) {
    const found = pool.hsm.principals[`ROLE${i}`];
    if (found === undefined) throw new Error(`no principal ${i}`);
    return found;
  }

  test.each(builtInRoles.map(({ roleName }, i) => [roleName, i] as const))('%s', async (roleName, i) => {
    const token = await pool.token(principal(i));
    const wrong: string[] = [];
    for (const { operation, action, method, path } of calls) {
      const answer = await pool.call(method, harmless(path), { token, ...(method === 'GET' ? {} : { body: '[]' }) });
      const refused = isAccessDenied(answer);
      if (answer.status === 401 || refused === can(roleName, operation)) {
        wrong.push(`${method} ${path}: ${answer.status}`);
      }
      if (refused && !answer.body.error.message.includes(`${dataAction(action)} on /`)) {
        wrong.push(`${path}: ${answer.body.error.message}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the administrator of a fresh pool is the one the table calls so', async () => {
    const { value } = (await pool.asAdmin<ListBody>('GET', '/providers/Microsoft.Authorization/roleAssignments')).body;
    const own = value.find(({ properties }) => properties.principalId === pool.hsm.admin.objectId);
    expect(own?.properties.roleDefinitionId).toMatch(new RegExp(`/${administratorRole}$`));
  });
});
