// HTTP of role definitions and role assignments, at each of the three scopes.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readBody } from '../keyvault/requests.ts';
import type { Service } from '../service.ts';
import { accessDenied, badParameter } from '../service-error.ts';
import { queryValue } from '../traffic/admission.ts';
import type { App, Guard } from '../traffic/call.ts';
import { type ActionName, dataAction, isDataAction } from './data-actions.ts';
import { covers } from './evaluate.ts';
import { assignmentBody, definitionBody, type RoleAssignment } from './role-model.ts';

const scopePrefixes = ['', '/keys', '/keys/:name'];
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const actionList = z.array(z.string()).nullish();
const dataActionList = z.array(z.string().refine(isDataAction, 'is not a data action of Managed HSM')).nullish();

const definitionRequest = z.object({
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

const assignmentRequest = z.object({
  properties: z.object({
    roleDefinitionId: z.string(),
    principalId: z.string().regex(guid, 'is not a GUID'),
  }),
});

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

interface Row {
  readonly operation: string;
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly tail: string;
  readonly action: ActionName;
  readonly handler: Handler;
  /** Definitions are written at the pool alone. */
  readonly poolOnly?: boolean;
}

/** Adds the role routes. */
export function roleRoutes(app: App, service: Service): void {
  for (const row of [...definitionRows(service), ...assignmentRows(service)]) {
    const guard: Guard = { action: row.action, scope: 'path' };
    for (const prefix of row.poolOnly === true ? [''] : scopePrefixes) {
      const url = `${prefix}/providers/Microsoft.Authorization/${row.tail}`;
      app.route({ method: row.method, url, config: { operation: row.operation, guard }, handler: row.handler });
    }
  }
}

function definitionRows({ roles }: Service): Row[] {
  const one = 'roleDefinitions/:id';
  return [
    {
      operation: 'listRoleDefinitions',
      method: 'GET',
      tail: 'roleDefinitions',
      action: 'roleDefinitions/read/action',
      handler: () => ({ value: roles.definitions().map(definitionBody) }),
    },
    {
      operation: 'getRoleDefinition',
      method: 'GET',
      tail: one,
      action: 'roleDefinitions/read/action',
      handler: (request) => definitionBody(roles.definition(idOf(request))),
    },
    {
      operation: 'putRoleDefinition',
      method: 'PUT',
      tail: one,
      action: 'roleDefinitions/write/action',
      poolOnly: true,
      handler: (request, reply) => {
        const name = newGuid(request);
        const { properties } = readBody(definitionRequest, request.body);
        const permissions = (properties.permissions ?? []).map((permission) => ({
          actions: permission.actions ?? [],
          notActions: permission.notActions ?? [],
          dataActions: permission.dataActions ?? [],
          notDataActions: permission.notDataActions ?? [],
        }));
        const { roleName, description } = properties;
        roles.putDefinition({
          name,
          roleName,
          description: description ?? '',
          type: 'CustomRole',
          permissions,
          assignableScopes: ['/'],
        });
        reply.code(201);
        return definitionBody(roles.definition(name));
      },
    },
    {
      operation: 'deleteRoleDefinition',
      method: 'DELETE',
      tail: one,
      action: 'roleDefinitions/delete/action',
      poolOnly: true,
      handler: (request) => definitionBody(roles.deleteDefinition(idOf(request))),
    },
  ];
}

function assignmentRows(service: Service): Row[] {
  const { roles } = service;
  const one = 'roleAssignments/:id';
  return [
    {
      operation: 'listRoleAssignments',
      method: 'GET',
      tail: 'roleAssignments',
      action: 'roleAssignments/read/action',
      handler: (request) => {
        const wanted = assignmentFilter(request);
        return { value: roles.assignments().filter(wanted).map(assignmentBody) };
      },
    },
    {
      operation: 'getRoleAssignment',
      method: 'GET',
      tail: one,
      action: 'roleAssignments/read/action',
      handler: (request) => {
        const found = roles.assignment(idOf(request));
        alsoAllowedAt(service, request, 'roleAssignments/read/action', found.scope);
        return assignmentBody(found);
      },
    },
    {
      operation: 'putRoleAssignment',
      method: 'PUT',
      tail: one,
      action: 'roleAssignments/write/action',
      handler: (request, reply) => {
        const { roleDefinitionId, principalId } = readBody(assignmentRequest, request.body).properties;
        const made: RoleAssignment = {
          name: newGuid(request),
          principalId,
          roleDefinition: definitionGuid(roleDefinitionId),
          scope: pathScope(request),
        };
        roles.addAssignment(made);
        reply.code(201);
        return assignmentBody(made);
      },
    },
    {
      operation: 'deleteRoleAssignment',
      method: 'DELETE',
      tail: one,
      action: 'roleAssignments/delete/action',
      handler: (request) => {
        alsoAllowedAt(service, request, 'roleAssignments/delete/action', roles.assignment(idOf(request)).scope);
        return assignmentBody(roles.deleteAssignment(idOf(request)));
      },
    },
  ];
}

/** Clients name an assignment at another scope than its own; that must not widen what they may do. */
function alsoAllowedAt({ roles }: Service, request: FastifyRequest, action: ActionName, scope: string): void {
  const caller = { objectId: request.call.principal ?? '', groups: request.call.groups ?? [] };
  const decision = roles.decide(caller, dataAction(action), scope);
  if (decision.allowed) return;
  request.call.reason = decision.reason;
  throw accessDenied(dataAction(action), scope);
}

/** At a pool scope the assignments of single keys are left out, unless one principal's are asked for. */
function assignmentFilter(request: FastifyRequest): (assignment: RoleAssignment) => boolean {
  const scope = pathScope(request);
  const filter = queryValue(request, '$filter') ?? 'atScope()';
  const atOrAbove = (each: RoleAssignment) => each.scope === '/' || covers(each.scope, scope);
  if (/^atScope\(\)$/i.test(filter)) {
    return scope === '/' || scope === '/keys' ? ({ scope: own }) => own === '/' || own === '/keys' : atOrAbove;
  }
  const principal = /^(?:atScope\(\) and )?principalId eq '([^']{1,64})'$/i.exec(filter)?.[1]?.toLowerCase();
  if (principal === undefined) throw badParameter(`$filter ${filter.slice(0, 40)} is not supported`);
  return (each) => each.principalId.toLowerCase() === principal && (atOrAbove(each) || covers(scope, each.scope));
}

function pathScope(request: FastifyRequest): string {
  const { name } = request.params as { name?: string };
  if (name !== undefined) return `/keys/${name}`;
  return /^\/keys\//i.test(request.url) ? '/keys' : '/';
}

const idOf = (request: FastifyRequest) => (request.params as { id: string }).id;

function newGuid(request: FastifyRequest): string {
  const id = idOf(request);
  if (!guid.test(id)) throw badParameter(`${id.slice(0, 40)} is not a GUID`);
  return id.toLowerCase();
}

/** Takes the id of a role definition with or without a leading slash, or its bare GUID. */
function definitionGuid(id: string): string {
  const last = id.slice(id.lastIndexOf('/') + 1);
  if (!guid.test(last)) throw badParameter(`roleDefinitionId ${id.slice(0, 120)} does not end with a GUID`);
  return last.toLowerCase();
}
