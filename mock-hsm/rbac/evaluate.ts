// The access decision: a pure function of principal, data action, scope and the assignments.
import type { Permission, RoleAssignment, RoleDefinition } from './role-model.ts';

/** Who asks: its object id and those of its groups. */
export interface Caller {
  readonly objectId: string;
  readonly groups: readonly string[];
}

export type Decision =
  | { readonly allowed: true; readonly role: string; readonly assignment: string }
  | { readonly allowed: false; readonly reason: string };

export interface Roles {
  readonly assignments: Iterable<RoleAssignment>;
  /** A definition by GUID; undefined when it was deleted, which leaves its assignments without effect. */
  definition(guid: string): RoleDefinition | undefined;
}

/**
 * Decides whether the caller may do `dataAction` on `scope` (`/`, `/keys` or `/keys/{name}`).
 *
 * Roles add up. A notDataAction takes away from its own permission object and never from another one.
 */
export function evaluate(caller: Caller, dataAction: string, scope: string, roles: Roles): Decision {
  const ids = new Set([caller.objectId, ...caller.groups].map((id) => id.toLowerCase()));
  let own = 0;
  for (const assignment of roles.assignments) {
    if (!ids.has(assignment.principalId.toLowerCase())) continue;
    own += 1;
    if (!covers(assignment.scope, scope)) continue;
    const definition = roles.definition(assignment.roleDefinition);
    if (definition?.permissions.some((permission) => permits(permission, dataAction))) {
      return { allowed: true, role: definition.roleName, assignment: assignment.name };
    }
  }
  const reason = own === 0 ? 'no role assignment' : `none of ${own} role assignments grants ${dataAction} on ${scope}`;
  return { allowed: false, reason };
}

/** Whether an assignment at `outer` reaches `inner`. Key names compare without regard to case. */
export function covers(outer: string, inner: string): boolean {
  if (outer === '/') return true;
  const [wide, narrow] = [outer.toLowerCase(), inner.toLowerCase()];
  return wide === narrow || (wide === '/keys' && narrow.startsWith('/keys/'));
}

function permits({ dataActions, notDataActions }: Permission, dataAction: string): boolean {
  const wanted = dataAction.toLowerCase();
  const names = (list: readonly string[]) => list.some((each) => each.toLowerCase() === wanted);
  return names(dataActions) && !names(notDataActions);
}
