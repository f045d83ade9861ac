// Why something is allowed or not: what each assignment of the caller does for the question. For people; requests are
// decided by evaluate.ts, and a property test holds the two to the same verdict.
import { type Caller, covers, type Roles } from './evaluate.ts';
import type { Permission, RoleAssignment, RoleDefinition } from './role-model.ts';

/** What an assignment does for the question; all but `allows` say why it does not help. */
export type Outcome =
  | 'allows'
  | 'scope does not cover'
  | 'role was deleted'
  | 'role lacks the action'
  | 'excluded by notDataActions';

export interface Consideration {
  readonly assignment: RoleAssignment;
  /** Undefined when it was deleted. */
  readonly role: RoleDefinition | undefined;
  /** Whether the caller has it through a group. */
  readonly byGroup: boolean;
  readonly outcome: Outcome;
}

export interface Explanation {
  readonly allowed: boolean;
  /** One for each assignment of the caller and of its groups; empty when there is none. */
  readonly considerations: readonly Consideration[];
}

/** Answers as `evaluate` does, and says how each assignment of the caller counts. Parameters as there. */
export function explain(caller: Caller, dataAction: string, scope: string, roles: Roles): Explanation {
  const own = caller.objectId.toLowerCase();
  const groups = new Set(caller.groups.map((id) => id.toLowerCase()));
  const considerations: Consideration[] = [];
  for (const assignment of roles.assignments) {
    const principal = assignment.principalId.toLowerCase();
    if (principal !== own && !groups.has(principal)) continue;
    const role = roles.definition(assignment.roleDefinition);
    const outcome = covers(assignment.scope, scope) ? outcomeOf(role, dataAction) : 'scope does not cover';
    considerations.push({ assignment, role, byGroup: principal !== own, outcome });
  }
  return { allowed: considerations.some(({ outcome }) => outcome === 'allows'), considerations };
}

function outcomeOf(role: RoleDefinition | undefined, dataAction: string): Outcome {
  if (role === undefined) return 'role was deleted';
  const holding = role.permissions.filter(({ dataActions }) => names(dataActions, dataAction));
  if (holding.length === 0) return 'role lacks the action';
  const excluded = ({ notDataActions }: Permission) => names(notDataActions, dataAction);
  return holding.every(excluded) ? 'excluded by notDataActions' : 'allows';
}

const names = (list: readonly string[], dataAction: string): boolean =>
  list.some((each) => each.toLowerCase() === dataAction.toLowerCase());
