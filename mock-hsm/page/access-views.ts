// Who may do what, as the page shows it: principals, roles, assignments, and the answer to "is this allowed?".
import { guid } from '../guid.ts';
import { operations as keyOperations } from '../keyvault/operations.ts';
import { poolOperations } from '../pool/operations.ts';
import { dataAction, isDataAction } from '../rbac/data-actions.ts';
import { explain } from '../rbac/explain.ts';
import type { RoleAssignment } from '../rbac/role-model.ts';
import { roleOperations } from '../rbac/role-operations.ts';
import type { Service } from '../service.ts';
import { badParameter } from '../service-error.ts';
import type {
  AllowedAnswer,
  AssignmentView,
  OperationView,
  PrincipalsAnswer,
  PrincipalView,
  RolesAnswer,
} from './api.ts';

const operations: readonly OperationView[] = [
  ...Object.entries(keyOperations).map(([operation, { action, scope }]) => ({ operation, action, scope })),
  ...Object.entries(roleOperations).map(([operation, { action }]) => ({ operation, action, scope: 'path' })),
  ...Object.entries(poolOperations).map(([operation, { action }]) => ({ operation, action, scope: 'pool' })),
].map(({ operation, action, scope }) => ({ operation, dataAction: dataAction(action), checkedAt: scope }));

/** Everybody in the directory, without anything secret. */
export function principalsAnswer({ directory, tokens }: Service): PrincipalsAnswer {
  const principals = directory.all().map((entry): PrincipalView => {
    const groups = directory.groupsOf(entry.objectId).map((id) => directory.byObjectId(id)?.name ?? id);
    const { name, objectId, kind } = entry;
    return { name, objectId, kind, ...('clientId' in entry ? { clientId: entry.clientId } : {}), groups };
  });
  return { tenantId: tokens.tenantId, principals };
}

export function rolesAnswer(service: Service): RolesAnswer {
  const { roles } = service;
  return {
    assignments: roles.assignments().map((assignment) => assignmentView(assignment, service)),
    definitions: roles.definitions().map(({ name, roleName, type, permissions }) => ({
      id: name,
      name: roleName,
      builtIn: type === 'AKVBuiltInRole',
      permissions: permissions.map(({ dataActions, notDataActions }) => ({ dataActions, notDataActions })),
    })),
    operations,
  };
}

function assignmentView(assignment: RoleAssignment, { directory, roles }: Service): AssignmentView {
  const { name, principalId, roleDefinition, scope } = assignment;
  const entry = directory.byObjectId(principalId);
  const role = roles.definitions().find((each) => each.name === roleDefinition)?.roleName;
  return {
    id: name,
    principalId,
    ...(entry === undefined ? {} : { principal: entry.name, kind: entry.kind }),
    ...(role === undefined ? {} : { role }),
    scope,
  };
}

export interface Question {
  /** Name or object id. */
  readonly principal: string;
  /** Operation or data action. */
  readonly action: string;
  /** `/`, `/keys` or `/keys/{name}`. */
  readonly scope: string;
}

/** Throws BadParameter that names what of the question cannot be understood. */
export function allowedAnswer({ principal, action, scope }: Question, service: Service): AllowedAnswer {
  const { directory, roles } = service;
  const objectId = objectIdOf(principal, service);
  const wanted = dataActionOf(action);
  if (!/^\/(keys(\/[0-9a-z-]{1,127})?)?$/i.test(scope)) {
    throw badParameter(`${scope.slice(0, 140)} is no scope: give /, /keys or /keys/NAME`);
  }
  const caller = { objectId, groups: directory.groupsOf(objectId) };
  const definitions = new Map(roles.definitions().map((role) => [role.name, role]));
  const written = { assignments: roles.assignments(), definition: (guid: string) => definitions.get(guid) };
  const { allowed, considerations } = explain(caller, wanted, scope, written);
  const inEffect = roles.decide(caller, wanted, scope).allowed;
  return {
    allowed: inEffect,
    principal: directory.byObjectId(objectId)?.name ?? objectId,
    dataAction: wanted,
    scope,
    considered: considerations.map(({ assignment, byGroup, outcome }) => ({
      ...assignmentView(assignment, service),
      ...(byGroup ? { group: directory.byObjectId(assignment.principalId)?.name ?? assignment.principalId } : {}),
      outcome,
    })),
    notYetInEffect: inEffect !== allowed,
  };
}

/** An object id may be one that the directory does not know: role assignments take any. */
function objectIdOf(principal: string, { directory }: Service): string {
  const entry = directory.byName(principal) ?? directory.byObjectId(principal) ?? directory.byClientId(principal);
  if (entry !== undefined) return entry.objectId;
  if (guid.test(principal)) return principal.toLowerCase();
  throw badParameter(`Nobody is called ${principal.slice(0, 100)}: give a name of the directory or an object id`);
}

function dataActionOf(action: string): string {
  const known = operations.find(({ operation }) => operation.toLowerCase() === action.toLowerCase());
  if (known !== undefined) return known.dataAction;
  if (isDataAction(action)) return action;
  throw badParameter(`${action.slice(0, 100)} is neither an operation nor a data action of Managed HSM`);
}
