// Role definitions and assignments of a seed.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { guid } from '../guid.ts';
import type { Directory } from '../identity/directory.ts';
import type { RoleBook } from '../rbac/role-book.ts';
import type { RoleAssignment, RoleDefinition } from '../rbac/role-model.ts';
import { type Seed, SeedError } from './document.ts';

interface Parts {
  readonly directory: Directory;
  readonly roles: RoleBook;
}

type AssignmentSeed = Seed['roleAssignments'][number];

export function applyRoleDefinitions(seed: Seed, { roles }: Parts): string[] {
  const changes: string[] = [];
  for (const { roleName, name, description, dataActions, notDataActions } of seed.roleDefinitions) {
    const known = roles
      .definitions()
      .find((role) => (name === undefined ? role.roleName === roleName : role.name === name));
    const made: RoleDefinition = {
      name: known?.name ?? name ?? randomUUID(),
      roleName,
      description,
      type: 'CustomRole',
      permissions: [{ actions: [], notActions: [], dataActions, notDataActions }],
      assignableScopes: ['/'],
    };
    if (isDeepStrictEqual(made, known)) continue;
    roles.putDefinition(made);
    changes.push(`role ${roleName} ${known === undefined ? 'added' : 'changed'}`);
  }
  return changes;
}

export function applyRoleAssignments(seed: Seed, parts: Parts): string[] {
  const changes: string[] = [];
  for (const wanted of seed.roleAssignments) {
    if (findAssignment(wanted, parts) !== undefined) continue;
    const { principalId, roleDefinition } = resolve(wanted, parts);
    parts.roles.addAssignment({ name: randomUUID(), principalId, roleDefinition, scope: wanted.scope });
    changes.push(`role ${wanted.role} assigned to ${wanted.principal} at ${wanted.scope}`);
  }
  return changes;
}

/** The assignment that grants the same. Throws SeedError when role or principal do not exist. */
export function findAssignment(wanted: AssignmentSeed, parts: Parts): RoleAssignment | undefined {
  const { principalId, roleDefinition } = resolve(wanted, parts);
  return parts.roles
    .assignments()
    .find(
      (each) =>
        each.principalId.toLowerCase() === principalId &&
        each.roleDefinition === roleDefinition &&
        each.scope.toLowerCase() === wanted.scope.toLowerCase(),
    );
}

function resolve({ role, principal }: AssignmentSeed, { directory, roles }: Parts) {
  const principalId =
    directory.byName(principal)?.objectId ?? (guid.test(principal) ? principal.toLowerCase() : undefined);
  if (principalId === undefined) {
    throw new SeedError(
      `role ${role} is to be assigned to ${principal}, which is neither in the directory nor an object id`,
    );
  }
  const known = roles.definitions();
  const found =
    known.find(({ name }) => name === role.toLowerCase()) ??
    known.find(({ roleName }) => roleName.toLowerCase() === role.toLowerCase());
  if (found === undefined) {
    throw new SeedError(`there is no role ${role}; there are: ${known.map(({ roleName }) => roleName).join(', ')}`);
  }
  return { principalId, roleDefinition: found.name };
}
