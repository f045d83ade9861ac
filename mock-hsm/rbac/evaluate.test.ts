import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { operations } from '../keyvault/operations.ts';
import { builtInRoles } from './builtin-roles.ts';
import { actionNames, dataAction } from './data-actions.ts';
import { covers, evaluate } from './evaluate.ts';
import type { RoleAssignment, RoleDefinition } from './role-model.ts';

const principals = ['p1', 'p2', 'g1', 'g2'];
const scopes = ['/', '/keys', '/keys/a', '/keys/b', '/keys/ab'];
const actions = actionNames.slice(0, 4).map(dataAction);

const permission = fc.record({
  actions: fc.constant([]),
  notActions: fc.constant([]),
  dataActions: fc.subarray(actions),
  notDataActions: fc.subarray(actions),
});

const roles = fc.uniqueArray(
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

const assignments = fc.array(
  fc.record<RoleAssignment>({
    name: fc.uuid(),
    principalId: fc.constantFrom(...principals),
    roleDefinition: fc.constantFrom('r1', 'r2', 'r3', 'deleted'),
    scope: fc.constantFrom(...scopes),
  }),
);

/** What each scope reaches, written out by hand. */
const reach: Record<string, readonly string[]> = {
  '/': scopes,
  '/keys': ['/keys', '/keys/a', '/keys/b', '/keys/ab'],
  '/keys/a': ['/keys/a'],
  '/keys/b': ['/keys/b'],
  '/keys/ab': ['/keys/ab'],
};

test('a caller may do what the union of its roles holds, and nothing else', () => {
  fc.assert(
    fc.property(
      roles,
      assignments,
      fc.subarray(['g1', 'g2']),
      fc.constantFrom(...actions),
      fc.constantFrom(...scopes),
      (definitions, given, groups, action, scope) => {
        const granted = new Set<string>();
        for (const { principalId, roleDefinition, scope: at } of given) {
          if (principalId !== 'p1' && !groups.includes(principalId)) continue;
          for (const { dataActions, notDataActions } of definitions.find((r) => r.name === roleDefinition)
            ?.permissions ?? []) {
            for (const each of dataActions) {
              if (notDataActions.includes(each)) continue;
              for (const reached of reach[at] ?? []) granted.add(`${each} ${reached}`);
            }
          }
        }
        const book = {
          assignments: given,
          definition: (guid: string) => definitions.find(({ name }) => name === guid),
        };
        const { allowed } = evaluate({ objectId: 'p1', groups }, action, scope, book);
        expect(allowed).toBe(granted.has(`${action} ${scope}`));
      },
    ),
  );
});

test('key names and data actions compare without regard to case', () => {
  expect(covers('/keys/MyKey', '/keys/mykey')).toBe(true);
  expect(covers('/keys/a', '/keys/ab')).toBe(false);
  const [definition] = builtInRoles.filter(({ roleName }) => roleName === 'Managed HSM Crypto User');
  const book = {
    assignments: [{ name: 'n', principalId: 'P', roleDefinition: 'x', scope: '/keys' }],
    definition: () => definition,
  };
  const action = 'microsoft.keyvault/managedHSM/keys/SIGN/action';
  expect(evaluate({ objectId: 'p', groups: [] }, action, '/keys/k', book).allowed).toBe(true);
});

/** From the service's table of built-in roles: which key operations each can do, with an assignment at `/`. */
const abilities: Record<string, string> = {
  'Managed HSM Administrator': '',
  'Managed HSM Crypto Officer': 'listDeleted getDeleted recover purge',
  'Managed HSM Crypto User':
    'create import get list listVersions update delete backup restore rotate getRotationPolicy updateRotationPolicy sign verify encrypt decrypt wrapKey unwrapKey rng',
  'Managed HSM Policy Administrator': '',
  'Managed HSM Crypto Auditor': 'get list listVersions getRotationPolicy listDeleted getDeleted',
  'Managed HSM Crypto Service Encryption User': 'get list listVersions getRotationPolicy wrapKey unwrapKey',
  'Managed HSM Crypto Service Release User': '',
  'Managed HSM Backup User': 'backup',
  'Managed HSM Restore User': 'restore',
};

describe.each(builtInRoles)('$roleName', (definition) => {
  const book = {
    assignments: [{ name: 'n', principalId: 'p', roleDefinition: definition.name, scope: '/' }],
    definition: () => definition,
  };
  const allowed = (abilities[definition.roleName] ?? '').split(' ');

  test.each(Object.entries(operations))('%s', (operation, { action }) => {
    const decision = evaluate({ objectId: 'p', groups: [] }, dataAction(action), '/keys/k', book);
    expect(decision.allowed).toBe(allowed.includes(operation));
  });
});

test('no two built-in roles share a GUID', () => {
  expect(new Set(builtInRoles.map(({ name }) => name)).size).toBe(Object.keys(abilities).length);
});
