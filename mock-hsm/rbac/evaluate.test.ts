import fc from 'fast-check';
import { expect, test } from 'vitest';
import { actionNames, dataAction } from './data-actions.ts';
import { covers, evaluate } from './evaluate.ts';
import type { Permission, RoleAssignment, RoleDefinition } from './role-model.ts';

// A small world: every question about it can be answered from the tables below, written out by hand.
const principals = ['alice', 'bob', 'staff', 'guests'];
const scopes = ['/', '/keys', '/keys/a', '/keys/b', '/keys/ab'];
const actions = actionNames.slice(0, 4).map(dataAction);

/** What an assignment at each scope reaches. */
const reach: Record<string, readonly string[]> = {
  '/': ['/', '/keys', '/keys/a', '/keys/b', '/keys/ab'],
  '/keys': ['/keys', '/keys/a', '/keys/b', '/keys/ab'],
  '/keys/a': ['/keys/a'],
  '/keys/b': ['/keys/b'],
  '/keys/ab': ['/keys/ab'],
};

/** The same text in some other mixture of upper and lower case. */
const recased = (text: string, flips: readonly boolean[]) =>
  [...text].map((letter, i) => (flips[i % flips.length] === true ? letter.toUpperCase() : letter)).join('');

const permission: fc.Arbitrary<Permission> = fc.record({
  actions: fc.subarray(actions),
  dataActions: fc.subarray(actions),
  notActions: fc.subarray(actions),
  notDataActions: fc.subarray(actions),
});

const roles: fc.Arbitrary<RoleDefinition[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('r1', 'r2', 'r3'),
    roleName: fc.string(),
    description: fc.constant(''),
    type: fc.constant<RoleDefinition['type']>('CustomRole'),
    permissions: fc.array(permission, { maxLength: 3 }),
    assignableScopes: fc.constant(['/']),
  }),
  { selector: ({ name }) => name },
);

const assignments: fc.Arbitrary<RoleAssignment[]> = fc.array(
  fc.record({
    name: fc.uuid(),
    principalId: fc.constantFrom(...principals),
    roleDefinition: fc.constantFrom('r1', 'r2', 'r3', 'deleted'),
    scope: fc.constantFrom(...scopes),
  }),
);

/** Everything that one assignment gives, as a list of (principal, action, scope): no shortcut, no comparison of prefixes. */
function grantsOf(assignment: RoleAssignment, definitions: readonly RoleDefinition[]): string[] {
  const grants: string[] = [];
  for (const definition of definitions) {
    if (definition.name !== assignment.roleDefinition) continue;
    for (const { dataActions, notDataActions } of definition.permissions) {
      for (const action of dataActions.filter((each) => !notDataActions.includes(each))) {
        for (const scope of reach[assignment.scope] ?? []) {
          grants.push(`${assignment.principalId} ${action} ${scope}`);
        }
      }
    }
  }
  return grants;
}

test('a caller may do what is granted to it or to one of its groups, in whatever case, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.record({ definitions: roles, given: assignments }),
      fc.subarray(['staff', 'guests']),
      fc.constantFrom(...actions),
      fc.constantFrom(...scopes),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      ({ definitions, given }, groups, action, scope, flips) => {
        const granted = new Set(given.flatMap((assignment) => grantsOf(assignment, definitions)));
        const expected = ['alice', ...groups].some((id) => granted.has(`${id} ${action} ${scope}`));
        const caller = { objectId: recased('alice', flips), groups: groups.map((each) => recased(each, flips)) };
        const book = {
          assignments: given,
          definition: (guid: string) => definitions.find(({ name }) => name === guid),
        };
        // Of a scope, only the key's name may come in another case.
        const asked = scope.startsWith('/keys/') ? `/keys/${recased(scope.slice('/keys/'.length), flips)}` : scope;
        expect(evaluate(caller, recased(action, flips), asked, book).allowed).toBe(expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test('an allowed request names an assignment that grants it', () => {
  fc.assert(
    fc.property(
      roles,
      assignments,
      fc.constantFrom(...actions),
      fc.constantFrom(...scopes),
      (definitions, given, action, scope) => {
        const book = {
          assignments: given,
          definition: (guid: string) => definitions.find(({ name }) => name === guid),
        };
        const decision = evaluate({ objectId: 'alice', groups: [] }, action, scope, book);
        if (!decision.allowed) return;
        const named = given.filter(({ name }) => name === decision.assignment);
        expect(named.flatMap((each) => grantsOf(each, definitions))).toContain(`alice ${action} ${scope}`);
      },
    ),
  );
});

test('a notDataAction in one permission leaves what another permission of the same role grants', () => {
  const [action = ''] = actions;
  const only = { actions: [], dataActions: [], notActions: [], notDataActions: [] };
  const permissions = [
    { ...only, dataActions: [action] },
    { ...only, notDataActions: [action] },
  ];
  const definition: RoleDefinition = {
    name: 'r1',
    roleName: 'both',
    description: '',
    type: 'CustomRole',
    permissions,
    assignableScopes: ['/'],
  };
  const book = {
    assignments: [{ name: 'n', principalId: 'alice', roleDefinition: 'r1', scope: '/' }],
    definition: () => definition,
  };
  expect(evaluate({ objectId: 'alice', groups: [] }, action, '/', book).allowed).toBe(true);
});

test('a refusal says whether the caller has any role at all', () => {
  const [action = ''] = actions;
  const given = [{ name: 'n', principalId: 'alice', roleDefinition: 'deleted', scope: '/' }];
  const reasonFor = (objectId: string) =>
    evaluate({ objectId, groups: [] }, action, '/', { assignments: given, definition: () => undefined });
  expect(reasonFor('bob')).toEqual({ allowed: false, reason: 'no role assignment' });
  expect(reasonFor('alice')).toEqual({
    allowed: false,
    reason: `none of 1 role assignments grants ${action} on /`,
  });
});

test.each([
  ['/', '/keys/any', true],
  ['/keys', '/', false],
  ['/keys', '/keys/any', true],
  ['/keys/MyKey', '/keys/mykey', true],
  ['/keys/a', '/keys/ab', false],
  ['/keys/a', '/keys', false],
])('an assignment at %s reaches %s: %s', (outer, inner, reached) => {
  expect(covers(outer, inner)).toBe(reached);
});
