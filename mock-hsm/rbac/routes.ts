// HTTP of role definitions and role assignments, at each of the three scopes.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '../http/read-body.ts';
import { queryValue } from '../http/request.ts';
import type { Service } from '../service.ts';
import { accessDenied } from '../service-error.ts';
import type { App, Guard } from '../traffic/call.ts';
import { type ActionName, dataAction } from './data-actions.ts';
import { assignmentBody, definitionBody, type RoleAssignment } from './role-model.ts';
import { type RoleOperation, type RoleOperationRow, roleOperationPaths, roleOperations } from './role-operations.ts';
import * as requests from './role-requests.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** Adds the role routes. */
export function roleRoutes(app: App, service: Service): void {
  const handlers: Record<RoleOperation, Handler> = { ...definitionHandlers(service), ...assignmentHandlers(service) };
  for (const [operation, row] of Object.entries(roleOperations) as [RoleOperation, RoleOperationRow][]) {
    const guard: Guard = { action: row.action, scope: 'path' };
    for (const url of roleOperationPaths(row)) {
      app.route({ method: row.method, url, config: { operation, guard }, handler: handlers[operation] });
    }
  }
}

function definitionHandlers({ roles }: Service) {
  return {
    listRoleDefinitions: (request) => {
      requests.checkDefinitionFilter(queryValue(request, '$filter') ?? '');
      return { value: roles.definitions().map(definitionBody) };
    },
    getRoleDefinition: (request) => definitionBody(roles.definition(idOf(request))),
    putRoleDefinition: (request, reply) => {
      const name = requests.newGuid(idOf(request), 'definition');
      const body = readBody(requests.definitionRequest, request.body);
      const { roleName, description } = body.properties;
      const permissions = requests.permissionsOf(body);
      const assignableScopes = ['/'];
      const custom = { name, roleName, type: 'CustomRole', permissions, assignableScopes } as const;
      roles.putDefinition({ ...custom, description: description ?? '' });
      reply.code(201);
      return definitionBody(roles.definition(name));
    },
    deleteRoleDefinition: (request) => definitionBody(roles.deleteDefinition(idOf(request))),
  } satisfies Partial<Record<RoleOperation, Handler>>;
}

function assignmentHandlers(service: Service) {
  const { roles } = service;
  return {
    listRoleAssignments: (request) => {
      const wanted = requests.assignmentFilter(queryValue(request, '$filter') ?? '', pathScope(request));
      return { value: roles.assignments().filter(wanted).map(assignmentBody) };
    },
    getRoleAssignment: (request) => {
      const found = roles.assignment(idOf(request));
      alsoAllowedAt(service, request, 'roleAssignments/read/action', found.scope);
      return assignmentBody(found);
    },
    putRoleAssignment: (request, reply) => {
      const name = requests.newGuid(idOf(request), 'assignment');
      const { roleDefinitionId, principalId } = readBody(requests.assignmentRequest, request.body).properties;
      const roleDefinition = requests.definitionGuid(roleDefinitionId);
      const made: RoleAssignment = { name, principalId, roleDefinition, scope: pathScope(request) };
      roles.addAssignment(made);
      reply.code(201);
      return assignmentBody(made);
    },
    deleteRoleAssignment: (request) => {
      const { name, scope } = roles.assignment(idOf(request));
      alsoAllowedAt(service, request, 'roleAssignments/delete/action', scope);
      return assignmentBody(roles.deleteAssignment(name));
    },
  } satisfies Partial<Record<RoleOperation, Handler>>;
}

/** Clients name an assignment at another scope than its own; that must not widen what they may do. */
function alsoAllowedAt({ roles }: Service, request: FastifyRequest, action: ActionName, scope: string): void {
  const caller = { objectId: request.call.principal ?? '', groups: request.call.groups ?? [] };
  const decision = roles.decide(caller, dataAction(action), scope);
  if (decision.allowed) return;
  request.call.reason = decision.reason;
  throw accessDenied(dataAction(action), scope);
}

function pathScope(request: FastifyRequest): string {
  const { name } = request.params as { name?: string };
  if (name !== undefined) return `/keys/${name}`;
  return /^\/keys\//i.test(request.url) ? '/keys' : '/';
}

const idOf = (request: FastifyRequest) => (request.params as { id: string }).id;
