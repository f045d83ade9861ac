// What requests about roles may say: bodies, GUIDs in paths, filters of lists.
import { z } from 'zod';
import { guid } from '../guid.ts';
import { badParameter } from '../service-error.ts';
import { isDataAction } from './data-actions.ts';
import { covers } from './evaluate.ts';
import type { Permission, RoleAssignment } from './role-model.ts';

const actionList = z.array(z.string().max(512)).nullish();
const dataActionList = z.array(z.string().refine(isDataAction, 'is not a data action of Managed HSM')).nullish();

/** `type` is read over: what is written is a CustomRole. */
export const definitionRequest = z.object({
  properties: z.object({
    roleName: z.string().min(1).max(512),
    description: z.string().max(2048).nullish(),
    permissions: z
      .array(
        z.object({
          actions: actionList,
          notActions: actionList,
          dataActions: dataActionList,
          notDataActions: dataActionList,
        }),
      )
      .nullish(),
    assignableScopes: z.array(z.literal('/')).nullish(),
  }),
});

/** The principal's type is no member of this plane; clients that send one are not refused. */
export const assignmentRequest = z.object({
  properties: z.object({
    roleDefinitionId: z.string(),
    principalId: z.string().regex(guid, 'is not a GUID'),
  }),
});

/** All four lists present, in the order of the wire. */
export function permissionsOf({ properties }: z.output<typeof definitionRequest>): Permission[] {
  return (properties.permissions ?? []).map(({ actions, dataActions, notActions, notDataActions }) => ({
    actions: actions ?? [],
    dataActions: dataActions ?? [],
    notActions: notActions ?? [],
    notDataActions: notDataActions ?? [],
  }));
}

/** The GUID that a new definition or assignment shall have, in lower case. Throws BadParameter. */
export function newGuid(id: string, what: 'definition' | 'assignment'): string {
  if (!guid.test(id)) throw badParameter(`Role ${what} name must be a GUID`);
  return id.toLowerCase();
}

/** Takes the id of a role definition with or without a leading slash, or its bare GUID. Throws BadParameter. */
export function definitionGuid(id: string): string {
  const last = id.slice(id.lastIndexOf('/') + 1);
  if (!guid.test(last)) throw badParameter(`roleDefinitionId ${id.slice(0, 120)} does not end with a GUID`);
  return last.toLowerCase();
}

const principalFilter = /^(?:atScope\(\) and )?principalId eq (?:'([^']{1,64})'|([\w-]{1,64}))$/i;

/**
 * Which assignments a list at `scope` holds. `atScope()` (the default) shows those at or above it, and at the pool's
 * two scopes both of them, but not those of single keys; `principalId eq` shows one principal's, also below.
 * Throws BadParameter for another filter.
 */
export function assignmentFilter(filter: string, scope: string): (assignment: RoleAssignment) => boolean {
  const isPool = !scope.startsWith('/keys/');
  const atOrAbove = (each: RoleAssignment) =>
    isPool ? each.scope === '/' || each.scope === '/keys' : covers(each.scope, scope);
  if (/^(atScope\(\))?$/i.test(filter)) return atOrAbove;
  const [, quoted, bare] = principalFilter.exec(filter) ?? [];
  const principal = (quoted ?? bare)?.toLowerCase();
  if (principal === undefined) throw unsupportedFilter(filter);
  return (each) => each.principalId.toLowerCase() === principal && (atOrAbove(each) || covers(scope, each.scope));
}

/** Definitions are the same at every scope, so a filter by scope changes nothing. Throws BadParameter for another. */
export function checkDefinitionFilter(filter: string): void {
  if (!/^(atScope\(\)|atScopeAndBelow\(\))?$/i.test(filter)) throw unsupportedFilter(filter);
}

const unsupportedFilter = (filter: string) => badParameter(`$filter ${filter.slice(0, 80)} is not supported`);
