// One row per operation on roles: its path behind the scope, its data action, and whether it works below the pool.
import type { ActionName } from './data-actions.ts';

export interface RoleOperationRow {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** The path behind the scope. */
  readonly tail: string;
  readonly action: ActionName;
  /** Definitions are written at `/` alone; everything else also at `/keys` and `/keys/{name}`. */
  readonly poolOnly?: boolean;
}

const provider = '/providers/Microsoft.Authorization';
const definitions = `${provider}/roleDefinitions`;
const assignments = `${provider}/roleAssignments`;

export const roleOperations = {
  listRoleDefinitions: { method: 'GET', tail: definitions, action: 'roleDefinitions/read/action' },
  getRoleDefinition: { method: 'GET', tail: `${definitions}/:id`, action: 'roleDefinitions/read/action' },
  putRoleDefinition: {
    method: 'PUT',
    tail: `${definitions}/:id`,
    action: 'roleDefinitions/write/action',
    poolOnly: true,
  },
  deleteRoleDefinition: {
    method: 'DELETE',
    tail: `${definitions}/:id`,
    action: 'roleDefinitions/delete/action',
    poolOnly: true,
  },
  listRoleAssignments: { method: 'GET', tail: assignments, action: 'roleAssignments/read/action' },
  getRoleAssignment: { method: 'GET', tail: `${assignments}/:id`, action: 'roleAssignments/read/action' },
  putRoleAssignment: { method: 'PUT', tail: `${assignments}/:id`, action: 'roleAssignments/write/action' },
  deleteRoleAssignment: { method: 'DELETE', tail: `${assignments}/:id`, action: 'roleAssignments/delete/action' },
} as const satisfies Record<string, RoleOperationRow>;

export type RoleOperation = keyof typeof roleOperations;

/** The paths of an operation, one for each scope it works at. */
export const roleOperationPaths = ({ tail, poolOnly }: RoleOperationRow): readonly string[] =>
  poolOnly === true ? [tail] : [tail, `/keys${tail}`, `/keys/:name${tail}`];
