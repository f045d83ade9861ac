// The pool's role definitions and assignments: what is written, its conflicts and limits, and the decisions that follow.
import { badParameter, limitExceeded, ServiceError } from '../service-error.ts';
import type { Change, Records } from '../store/records.ts';
import { builtInRoles } from './builtin-roles.ts';
import type { Caller, Decision } from './evaluate.ts';
import type { RoleAssignment, RoleDefinition } from './role-model.ts';
import { RolesInEffect } from './roles-in-effect.ts';

const maxCustomRoles = 50;
const maxPoolAssignments = 50;
const maxKeyAssignments = 10;

const isPoolScope = (scope: string) => !scope.startsWith('/keys/');

const builtInNames = new Set(builtInRoles.map(({ roleName }) => roleName));

export interface Propagation {
  /** How long a change of roles takes to be felt; 0 is at once. */
  readonly delayMs: number;
  readonly nowMs: () => number;
}

export class RoleBook {
  readonly #definitions = new Map(builtInRoles.map((role) => [role.name, role]));
  readonly #assignments = new Map<string, RoleAssignment>();
  readonly #records: Records;
  readonly #inEffect: RolesInEffect;

  constructor(records: Records, propagation: Propagation = { delayMs: 0, nowMs: () => 0 }) {
    this.#records = records;
    for (const role of records.all<RoleDefinition>('roleDefinition')) this.#definitions.set(role.name, role);
    for (const each of records.all<RoleAssignment>('roleAssignment')) this.#assignments.set(each.name, each);
    this.#inEffect = new RolesInEffect(propagation, this.#definitions, this.#assignments);
  }

  decide(caller: Caller, dataAction: string, scope: string): Decision {
    return this.#inEffect.decide(caller, dataAction, scope);
  }

  /** Ends the delay of all that is written: what a pool begins with is in effect when it begins to serve. */
  putIntoEffect(): void {
    this.#inEffect.hurry();
  }

  definitions(): RoleDefinition[] {
    return [...this.#definitions.values()];
  }

  /** Throws RoleDefinitionNotFound. */
  definition(guid: string): RoleDefinition {
    const found = this.#definitions.get(guid.toLowerCase());
    if (found === undefined) {
      throw new ServiceError(404, 'RoleDefinitionNotFound', 'Requested role definition not found');
    }
    return found;
  }

  /** Adds or replaces a custom role. Other custom roles may have the same role name: pools take that. */
  putDefinition(role: RoleDefinition): void {
    const known = this.#definitions.get(role.name);
    if (known?.type === 'AKVBuiltInRole' || builtInNames.has(role.roleName)) throw builtInIsFixed();
    const customRoles = this.definitions().filter(({ type }) => type === 'CustomRole').length;
    if (known === undefined && customRoles >= maxCustomRoles) {
      throw limitExceeded(`The pool already has ${maxCustomRoles} custom role definitions`);
    }
    this.#records.apply([{ kind: 'roleDefinition', id: role.name, body: role }]);
    this.#definitions.set(role.name, role);
    this.#inEffect.follow({ definition: role.name, is: role });
  }

  /** Its assignments stay and have no effect. */
  deleteDefinition(guid: string): RoleDefinition {
    const role = this.definition(guid);
    if (role.type === 'AKVBuiltInRole') throw builtInIsFixed();
    this.#records.apply([{ kind: 'roleDefinition', id: role.name, body: undefined }]);
    this.#definitions.delete(role.name);
    this.#inEffect.follow({ definition: role.name, is: undefined });
    return role;
  }

  /**
   * Puts custom roles and assignments in the place of all there are, as a restore of the pool does.
   *
   * @param write gets the changes, to write them with others; when it throws, nothing changes
   */
  replaceAll(
    definitions: readonly RoleDefinition[],
    assignments: readonly RoleAssignment[],
    write: (changes: readonly Change[]) => void,
  ): void {
    const old = this.definitions().filter(({ type }) => type === 'CustomRole');
    const oldAssignments = this.assignments();
    write([
      ...old.map(({ name }): Change => ({ kind: 'roleDefinition', id: name, body: undefined })),
      ...oldAssignments.map(({ name }): Change => ({ kind: 'roleAssignment', id: name, body: undefined })),
      ...definitions.map((role): Change => ({ kind: 'roleDefinition', id: role.name, body: role })),
      ...assignments.map((made): Change => ({ kind: 'roleAssignment', id: made.name, body: made })),
    ]);
    for (const { name } of old) this.#definitions.delete(name);
    for (const role of definitions) this.#definitions.set(role.name, role);
    this.#assignments.clear();
    for (const made of assignments) this.#assignments.set(made.name, made);
    for (const { name } of old) this.#inEffect.follow({ definition: name, is: this.#definitions.get(name) });
    for (const role of definitions) this.#inEffect.follow({ definition: role.name, is: role });
    for (const { name } of oldAssignments) this.#inEffect.follow({ assignment: name, is: this.#assignments.get(name) });
    for (const made of assignments) this.#inEffect.follow({ assignment: made.name, is: made });
  }

  /** By name, the last one first: so pools list them. */
  assignments(): RoleAssignment[] {
    return [...this.#assignments.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
  }

  /** Throws RoleAssignmentNotFound. */
  assignment(guid: string): RoleAssignment {
    const found = this.#assignments.get(guid.toLowerCase());
    if (found === undefined) {
      throw new ServiceError(404, 'RoleAssignmentNotFound', 'Requested role assignment not found');
    }
    return found;
  }

  /** Throws when the role does not exist, the grant exists already, or the scope is full. */
  addAssignment(made: RoleAssignment): void {
    this.definition(made.roleDefinition);
    const all = this.assignments();
    const twin = all.find((each) => each.name === made.name || isSameGrant(each, made));
    if (twin !== undefined) {
      throw new ServiceError(400, 'RoleAssignmentExists', 'The role assignment already exists.');
    }
    const most = isPoolScope(made.scope) ? maxPoolAssignments : maxKeyAssignments;
    if (all.filter(({ scope }) => countTogether(scope, made.scope)).length >= most) {
      throw limitExceeded(`There are already ${most} role assignments at ${made.scope}`);
    }
    this.#records.apply([{ kind: 'roleAssignment', id: made.name, body: made }]);
    this.#assignments.set(made.name, made);
    this.#inEffect.follow({ assignment: made.name, is: made });
  }

  /** Also of the last administrator: the service leaves that to its caller, too. */
  deleteAssignment(guid: string): RoleAssignment {
    const found = this.assignment(guid);
    this.#records.apply([{ kind: 'roleAssignment', id: found.name, body: undefined }]);
    this.#assignments.delete(found.name);
    this.#inEffect.follow({ assignment: found.name, is: undefined });
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

const builtInIsFixed = () =>
  badParameter('Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID.');
