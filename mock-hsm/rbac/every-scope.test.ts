// At which scope each operation is checked. The same role, which has every data action, at each of the three scopes;
// what is expected stands here as a table of its own.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { absentKey, calls, harmless, isAccessDenied } from '../contract/every-call.ts';
import { PoolConnection } from '../contract/pool-connection.ts';
import { actionNames, dataAction } from './data-actions.ts';

/** Checked at the key of the path. */
const atKey = `create import get listVersions update delete getDeleted recover purge backup rotate getRotationPolicy
  updateRotationPolicy sign verify encrypt decrypt wrapKey unwrapKey release attestation`;
/** Checked at `/keys`. */
const atKeys = 'list listDeleted restore';
/** Checked at `/`, also where the path names a key. */
const atPool = `rng fullBackup fullBackupStatus preFullBackup fullRestore restoreStatus preFullRestore
  selectiveKeyRestore getSettings getSetting updateSetting downloadDomain downloadDomainStatus transferKey uploadDomain
  uploadDomainStatus putRoleDefinition deleteRoleDefinition`;
/** Checked at the scope that the path begins with. */
const atPath = `listRoleDefinitions getRoleDefinition listRoleAssignments getRoleAssignment putRoleAssignment
  deleteRoleAssignment`;

/** Which scopes an assignment may have, for each operation and path. */
function scopesFor(operation: string, path: string): string[] {
  const among = (list: string) => list.split(/\s+/).includes(operation);
  if (among(atKey)) return ['KEY', 'KEYS', 'POOL'];
  if (among(atKeys)) return ['KEYS', 'POOL'];
  if (among(atPool)) return ['POOL'];
  if (!among(atPath)) return [`no row for ${operation}`];
  if (path.startsWith('/keys/:name')) return ['KEY', 'KEYS', 'POOL'];
  return path.startsWith('/keys') ? ['KEYS', 'POOL'] : ['POOL'];
}

const assignedAt = { KEY: `/keys/${absentKey}`, KEYS: '/keys', POOL: '/' };

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open({ servicePrincipals: Object.keys(assignedAt) });
  const everything = randomUUID();
  const permissions = [{ dataActions: actionNames.map(dataAction) }];
  const path = `/providers/Microsoft.Authorization/roleDefinitions/${everything}`;
  await pool.asAdmin('PUT', path, { properties: { roleName: 'Everything', permissions } });
  for (const [name, scope] of Object.entries(assignedAt)) {
    await pool.assign(everything, scope, pool.hsm.principals[name]?.objectId);
  }
});

afterAll(() => pool.close());

test.each(Object.keys(assignedAt))(
  'an assignment at the scope %s reaches what is checked there, and no more',
  async (at) => {
    const principal = pool.hsm.principals[at];
    if (principal === undefined) throw new Error(`no principal ${at}`);
    const token = await pool.token(principal);
    const wrong: string[] = [];
    for (const { operation, method, path } of calls) {
      const answer = await pool.call(method, harmless(path), { token, ...(method === 'GET' ? {} : { body: '[]' }) });
      const reached = !isAccessDenied(answer);
      if (answer.status === 401 || reached !== scopesFor(operation, path).includes(at)) {
        wrong.push(`${operation} ${path}: ${answer.status}`);
      }
    }
    expect(wrong).toEqual([]);
  },
);
