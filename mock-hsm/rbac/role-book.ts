// The pool's role definitions and assignments, and the decisions that follow from them.
import { limitExceeded, ServiceError } from '../service-error.ts';
import type { Records } from '../store/records.ts';
import { builtInRoles } from './builtin-roles.ts';
import { type Caller, type Decision, evaluate, type Roles } from './evaluate.ts';
import type { RoleAssignment, RoleDefinition } from './role-model.ts';

const maxCustomRoles = 50;
const maxPoolAssignments = 50;
const maxKeyAssignments = 10;
const maxRememberedDecisions = 10_000;

const isPoolScope = (scope: string) => !scope.startsWith('/keys/');

export class RoleBook {
  readonly #definitions = new Map(builtInRoles.map((role) => [role.name, role]));
  readonly #assignments = new Map<string, RoleAssignment>();
  readonly #records: Records;
  /** Every sign asks the same question; an answer holds until a role changes. */
  readonly #decisions = new Map<string, Decision>();

  constructor(records: Records) {
    this.#records = records;
    for (const role of records.all<RoleDefinition>('roleDefinition')) this.#definitions.set(role.name, role);
    for (const each of records.all<RoleAssignment>('roleAssignment')) this.#assignments.set(each.name, each);
  }

  decide(caller: Caller, dataAction: string, scope: string): Decision {
    const question = `${caller.objectId} ${caller.groups.join(',')} ${dataAction} ${scope}`;
    const known = this.#decisions.get(question);
    if (known !== undefined) return known;
    const roles: Roles = {
      assignments: this.#assignments.values(),
      definition: (guid) => this.#definitions.get(guid),
    };
    const decision = evaluate(caller, dataAction, scope, roles);
    if (this.#decisions.size >= maxRememberedDecisions) this.#decisions.clear();
    this.#decisions.set(question, decision);
    return decision;
  }

  definitions(): RoleDefinition[] {
    return [...this.#definitions.values()];
  }

  definition(guid: string): RoleDefinition {
    const found = this.#definitions.get(guid.toLowerCase());
    if (found === undefined) throw new ServiceError(404, 'RoleDefinitionNotFound', `Role definition ${guid} not found`);
    return found;
  }

  /** Adds or replaces a custom role. */
  putDefinition(role: RoleDefinition): void {
    const known = this.#definitions.get(role.name);
    if (known?.type === 'AKVBuiltInRole') throw builtInIsFixed(known);
    const namesake = this.definitions().find(({ name, roleName }) => roleName === role.roleName && name !== role.name);
    if (namesake !== undefined) {
      const message = `A role definition named ${role.roleName} already exists: ${namesake.name}`;
      throw new ServiceError(409, 'RoleDefinitionWithSameNameExists', message);
    }
    const customRoles = this.definitions().filter(({ type }) => type === 'CustomRole').length;
    if (known === undefined && customRoles >= maxCustomRoles) {
      throw limitExceeded(`The pool already has ${maxCustomRoles} custom role definitions`);
    }
    this.#records.apply([{ kind: 'roleDefinition', id: role.name, body: role }]);
    this.#definitions.set(role.name, role);
    this.#decisions.clear();
  }

  /** Its assignments stay and have no effect. */
  deleteDefinition(guid: string): RoleDefinition {
    const role = this.definition(guid);
    if (role.type === 'AKVBuiltInRole') throw builtInIsFixed(role);
    this.#records.apply([{ kind: 'roleDefinition', id: role.name, body: undefined }]);
    this.#definitions.delete(role.name);
    this.#decisions.clear();
    return role;
  }

  assignments(): RoleAssignment[] {
    return [...this.#assignments.values()];
  }

  assignment(guid: string): RoleAssignment {
    const found = this.#assignments.get(guid.toLowerCase());
    if (found === undefined) throw new ServiceError(404, 'RoleAssignmentNotFound', `Role assignment ${guid} not found`);
    return found;
  }

  /** Throws when the role does not exist, the grant exists already, or the scope is full. */
  addAssignment(made: RoleAssignment): void {
    this.definition(made.roleDefinition);
    const all = this.assignments();
    const twin = all.find((each) => each.name === made.name || isSameGrant(each, made));
    if (twin !== undefined) {
      throw new ServiceError(409, 'RoleAssignmentExists', `The role assignment already exists: ${twin.name}`);
    }
    const most = isPoolScope(made.scope) ? maxPoolAssignments : maxKeyAssignments;
    if (all.filter(({ scope }) => countTogether(scope, made.scope)).length >= most) {
      throw limitExceeded(`There are already ${most} role assignments at ${made.scope}`);
    }
    this.#records.apply([{ kind: 'roleAssignment', id: made.name, body: made }]);
    this.#assignments.set(made.name, made);
    this.#decisions.clear();
  }

  deleteAssignment(guid: string): RoleAssignment {
    const found = this.assignment(guid);
    this.#records.apply([{ kind: 'roleAssignment', id: found.name, body: undefined }]);
    this.#assignments.delete(found.name);
    this.#decisions.clear();
    return found;
  }
}

/** The limits are one for the pool (`/` and `/keys`) and one for each key. */
function countTogether(a: string, b: string): boolean {
  return isPoolScope(a) ? isPoolScope(b) : a.toLowerCase() === b.toLowerCase();
}

function isSameGrant(a: RoleAssignment, b: RoleAssignment): boolean {
  const grant = (each: RoleAssignment) => `${each.principalId} ${each.roleDefinition} ${each.scope}`.toLowerCase();
  return grant(a) === grant(b);
}

const builtInIsFixed = ({ roleName }: RoleDefinition) =>
  new ServiceError(403, 'Forbidden', `The built-in role ${roleName} cannot be changed or deleted`);
