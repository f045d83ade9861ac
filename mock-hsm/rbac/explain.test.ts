import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actionNames, dataAction } from './data-actions.ts';
import { evaluate } from './evaluate.ts';
import { explain } from './explain.ts';
import type { Permission, RoleAssignment, RoleDefinition } from './role-model.ts';

const actions = actionNames.slice(0, 3).map(dataAction);
const scopes = ['/', '/keys', '/keys/a', '/keys/A', '/keys/ab'];

const permission: fc.Arbitrary<Permission> = fc.record({
  actions: fc.constant([]),
  notActions: fc.constant([]),
  dataActions: fc.subarray(actions),
  notDataActions: fc.subarray(actions),
});

const role = (name: string, ...permissions: Permission[]): RoleDefinition => ({
  name,
  roleName: `role ${name}`,
  description: '',
  type: 'CustomRole',
  permissions,
  assignableScopes: ['/'],
});

const books = fc.record({
  definitions: fc
    .tuple(...['r1', 'r2', 'r3'].map((name) => fc.array(permission, { maxLength: 3 }).map((all) => role(name, ...all))))
    .chain((all) => fc.subarray(all)),
  assignments: fc.array(
    fc.record<RoleAssignment>({
      name: fc.uuid(),
      principalId: fc.constantFrom('alice', 'ALICE', 'bob', 'staff', 'Staff'),
      roleDefinition: fc.constantFrom('r1', 'r2', 'r3'),
      scope: fc.constantFrom(...scopes),
    }),
    { maxLength: 8 },
  ),
});

const rolesOf = (definitions: readonly RoleDefinition[], assignments: readonly RoleAssignment[]) => ({
  assignments,
  definition: (guid: string) => definitions.find(({ name }) => name === guid),
});

test('the explanation always comes to the verdict of the evaluation, and names what the evaluation named', () => {
  fc.assert(
    fc.property(
      books,
      fc.subarray(['staff']),
      fc.constantFrom(...actions),
      fc.constantFrom(...scopes),
      ({ definitions, assignments }, groups, action, scope) => {
        const roles = rolesOf(definitions, assignments);
        const caller = { objectId: 'alice', groups };
        const decision = evaluate(caller, action, scope, roles);
        const { allowed, considerations } = explain(caller, action, scope, roles);
        expect(allowed).toBe(decision.allowed);
        const allowing = considerations.find(({ outcome }) => outcome === 'allows');
        expect(allowing?.assignment.name).toBe(decision.allowed ? decision.assignment : undefined);
        expect(allowing?.role?.roleName).toBe(decision.allowed ? decision.role : undefined);
      },
    ),
    { numRuns: 500 },
  );
});

describe('an assignment does not help', () => {
  const [sign, read, create] = actions as [string, string, string];
  const permissions = { actions: [], notActions: [], dataActions: [sign, read], notDataActions: [read] };
  const outcomes = (assignment: Partial<RoleAssignment>, action: string, scope: string) => {
    const given = { name: 'n', principalId: 'alice', roleDefinition: 'r', scope: '/keys/a', ...assignment };
    const caller = { objectId: 'alice', groups: ['staff'] };
    return explain(caller, action, scope, rolesOf([role('r', permissions)], [given])).considerations;
  };

  test('when its scope does not cover what is asked about', () => {
    expect(outcomes({}, sign, '/keys/b')).toMatchObject([{ outcome: 'scope does not cover', byGroup: false }]);
  });

  test('when its role lacks the data action', () => {
    expect(outcomes({}, create, '/keys/a')).toMatchObject([{ outcome: 'role lacks the action' }]);
  });

  test('when notDataActions of its role take the data action away again', () => {
    expect(outcomes({}, read, '/keys/a')).toMatchObject([{ outcome: 'excluded by notDataActions' }]);
  });

  test('when its role was deleted', () => {
    expect(outcomes({ roleDefinition: 'gone' }, sign, '/keys/a')).toMatchObject([
      { outcome: 'role was deleted', role: undefined },
    ]);
  });

  test('when it is of someone else; one of a group counts and says so', () => {
    expect(outcomes({ principalId: 'bob' }, sign, '/keys/a')).toEqual([]);
    expect(outcomes({ principalId: 'staff' }, sign, '/keys/a')).toMatchObject([{ outcome: 'allows', byGroup: true }]);
  });
});
