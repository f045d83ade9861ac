// What decisions are made from. It follows the written roles after the propagation delay, as the partitions of a pool do,
// and remembers decisions until it changes.
import { type Caller, type Decision, evaluate, type Roles } from './evaluate.ts';
import type { RoleAssignment, RoleDefinition } from './role-model.ts';

/** A definition or an assignment (by GUID) that is another one from now on, or gone. */
export type RoleChange =
  | { readonly definition: string; readonly is: RoleDefinition | undefined }
  | { readonly assignment: string; readonly is: RoleAssignment | undefined };

const maxRememberedDecisions = 10_000;

export class RolesInEffect {
  readonly #delayMs: number;
  readonly #nowMs: () => number;
  readonly #definitions: Map<string, RoleDefinition>;
  readonly #assignments: Map<string, RoleAssignment>;
  readonly #roles: Roles;
  /** Oldest first. */
  #pending: { readonly writtenMs: number; readonly change: RoleChange }[] = [];
  /** Every sign asks the same question; an answer holds until a role changes. */
  readonly #decisions = new Map<string, Decision>();

  /** Begins with what is written; after a restart nothing is pending. */
  constructor(
    { delayMs, nowMs }: { readonly delayMs: number; readonly nowMs: () => number },
    definitions: ReadonlyMap<string, RoleDefinition>,
    assignments: ReadonlyMap<string, RoleAssignment>,
  ) {
    this.#delayMs = delayMs;
    this.#nowMs = nowMs;
    this.#definitions = new Map(definitions);
    this.#assignments = new Map(assignments);
    this.#roles = {
      assignments: { [Symbol.iterator]: () => this.#assignments.values() },
      definition: (guid) => this.#definitions.get(guid),
    };
  }

  /** Takes a change that was written now. */
  follow(change: RoleChange): void {
    if (this.#delayMs === 0) this.#apply(change);
    else this.#pending.push({ writtenMs: this.#nowMs(), change });
  }

  decide(caller: Caller, dataAction: string, scope: string): Decision {
    if (this.#pending.length > 0) this.#settle();
    const question = `${caller.objectId} ${caller.groups.join(',')} ${dataAction} ${scope}`;
    const known = this.#decisions.get(question);
    if (known !== undefined) return known;
    const decision = evaluate(caller, dataAction, scope, this.#roles);
    if (this.#decisions.size >= maxRememberedDecisions) this.#decisions.clear();
    this.#decisions.set(question, decision);
    return decision;
  }

  /** Applies what is pending, however young. */
  hurry(): void {
    for (const { change } of this.#pending) this.#apply(change);
    this.#pending = [];
  }

  #settle(): void {
    const nowMs = this.#nowMs();
    // In the order of writing: what was written before something due is due, too. That holds for a clock that was moved
    // back behind the writing as well, which must not hold changes up.
    const newest = this.#pending.findLastIndex(({ writtenMs }) => {
      const passedMs = nowMs - writtenMs;
      return passedMs < 0 || passedMs >= this.#delayMs;
    });
    for (const { change } of this.#pending.splice(0, newest + 1)) this.#apply(change);
  }

  #apply(change: RoleChange): void {
    this.#decisions.clear();
    if ('definition' in change) put(this.#definitions, change.definition, change.is);
    else put(this.#assignments, change.assignment, change.is);
  }
}

function put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
