import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RoleAssignment, RoleDefinition } from './role-model.ts';
import { RolesInEffect } from './roles-in-effect.ts';

const delayMs = 1000;
const readKeys: RoleDefinition = {
  name: 'reader',
  roleName: 'Reader',
  description: '',
  type: 'CustomRole',
  permissions: [{ actions: [], dataActions: ['read'], notActions: [], notDataActions: [] }],
  assignableScopes: ['/'],
};
const assignmentOf = (principalId: string): RoleAssignment => ({
  name: `of ${principalId}`,
  principalId,
  roleDefinition: 'reader',
  scope: '/',
});

/** Assigns the role, takes it away, or lets time pass. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), principal: fc.constantFrom('a', 'b'), has: fc.boolean() }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(1500) }),
);

test('each decision follows the roles as they were written one delay before', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let nowMs = 0;
      const written: { atMs: number; principal: string; has: boolean }[] = [];
      const roles = new RolesInEffect({ delayMs, nowMs: () => nowMs }, new Map([['reader', readKeys]]), new Map());
      for (const each of steps) {
        if (each.kind === 'wait') nowMs += each.ms;
        else {
          const { principal, has } = each;
          const made = assignmentOf(principal);
          roles.follow({ assignment: made.name, is: has ? made : undefined });
          written.push({ atMs: nowMs, principal, has });
        }
        for (const objectId of ['a', 'b']) {
          const last = written.findLast(({ atMs, principal }) => principal === objectId && atMs + delayMs <= nowMs);
          expect(roles.decide({ objectId, groups: [] }, 'read', '/').allowed).toBe(last?.has ?? false);
        }
      }
    }),
  );
});

test('a clock that is moved back behind a change holds neither it nor those before it up', () => {
  let nowMs = 0;
  const roles = new RolesInEffect({ delayMs, nowMs: () => nowMs }, new Map([['reader', readKeys]]), new Map());
  const allowed = (objectId: string) => roles.decide({ objectId, groups: [] }, 'read', '/').allowed;
  roles.follow({ assignment: 'of a', is: assignmentOf('a') });
  nowMs += 500;
  roles.follow({ assignment: 'of b', is: assignmentOf('b') });
  expect([allowed('a'), allowed('b')]).toEqual([false, false]);
  nowMs -= 86_400_000;
  expect([allowed('a'), allowed('b')]).toEqual([true, true]);
});

test('without a delay a change is felt by the next decision, whatever the clock says', () => {
  const roles = new RolesInEffect({ delayMs: 0, nowMs: () => Number.NaN }, new Map([['reader', readKeys]]), new Map());
  const allowed = () => roles.decide({ objectId: 'a', groups: [] }, 'read', '/').allowed;
  expect(allowed()).toBe(false);
  roles.follow({ assignment: 'n', is: { ...assignmentOf('a'), name: 'n' } });
  expect(allowed()).toBe(true);
  roles.follow({ definition: 'reader', is: undefined });
  expect(allowed()).toBe(false);
});

test('callers with different groups do not share a remembered decision', () => {
  const roles = new RolesInEffect(
    { delayMs: 0, nowMs: () => 0 },
    new Map([['reader', readKeys]]),
    new Map([['n', assignmentOf('staff')]]),
  );
  expect(roles.decide({ objectId: 'a', groups: [] }, 'read', '/').allowed).toBe(false);
  expect(roles.decide({ objectId: 'a', groups: ['staff'] }, 'read', '/').allowed).toBe(true);
  expect(roles.decide({ objectId: 'a', groups: [] }, 'read', '/').allowed).toBe(false);
});
