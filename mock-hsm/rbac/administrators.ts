// Who administers the pool from its beginning.
import { randomUUID } from 'node:crypto';
import { administratorRole } from './builtin-roles.ts';
import type { RoleBook } from './role-book.ts';

/**
 * Gives each principal the role Managed HSM Administrator at `/`, as an ordinary assignment, unless it has it.
 *
 * A start that names an administrator again is the way out after the last one was removed; in Azure a Global
 * Administrator of the tenant is. Throws the service's errors: a full scope above all.
 */
export function ensureAdministrators(roles: RoleBook, objectIds: readonly string[]): void {
  for (const principalId of objectIds) {
    const has = roles
      .assignments()
      .some(
        (each) =>
          each.principalId.toLowerCase() === principalId.toLowerCase() &&
          each.roleDefinition === administratorRole &&
          each.scope === '/',
      );
    if (has) continue;
    roles.addAssignment({ name: randomUUID(), principalId, roleDefinition: administratorRole, scope: '/' });
  }
}
