// Before a body is read: the token, the api-version, the role. In this order, so that a caller without a token
// learns nothing but the challenge, and one without a role cannot probe for names.

import type { FastifyRequest } from 'fastify';
import { jsonType, RawAnswer } from '../http/raw-answer.ts';
import { queryValue } from '../http/request.ts';
import { isServiceHost, poolResource } from '../identity/resource.ts';
import { type ApiVersion, apiVersions, isAtLeast } from '../keyvault/api-versions.ts';
import { dataAction } from '../rbac/data-actions.ts';
import type { Service } from '../service.ts';
import { accessDenied, badParameter, invalidKeyIdentifier, notActivated } from '../service-error.ts';
import type { Guard } from './call.ts';

const keyName = /^[0-9a-zA-Z-]{1,127}$/;

/** Lets the request pass, or throws the refusal. */
export async function admit(request: FastifyRequest, service: Service, guard: Guard | undefined): Promise<void> {
  const caller = await authenticate(request, service);
  if ('refused' in caller) {
    request.call.reason = caller.refused;
    throw challenge(request, service);
  }
  request.call.principal = caller.objectId;
  request.call.clientId = caller.clientId;
  request.call.groups = caller.groups;
  const version = queryValue(request, 'api-version');
  if (version !== undefined || !mayOmitVersion(request, guard)) assertVersion(version, guard?.since);
  if (guard === undefined) return;
  if (guard.beforeActivation !== true && !service.securityDomain.isActivated) throw notActivated();
  const scope = scopeOf(request, guard);
  const decision = service.roles.decide(caller, dataAction(guard.action), scope);
  if (!decision.allowed) {
    request.call.reason = decision.reason;
    throw accessDenied(dataAction(guard.action), scope);
  }
  request.call.role = decision.role;
}

function mayOmitVersion(request: FastifyRequest, guard: Guard | undefined): boolean {
  if (guard?.withoutVersion === true) return true;
  return guard?.isPaged === true && (queryValue(request, '$skiptoken') ?? '') !== '';
}

function assertVersion(version: string | undefined, since: ApiVersion | undefined): void {
  if (version === undefined) throw badParameter('The api-version query parameter is missing');
  if (!apiVersions.has(version)) throw badParameter(`api-version ${version.slice(0, 40)} is not supported`);
  if (since !== undefined && !isAtLeast(version, since)) {
    throw badParameter(`api-version ${version} does not know this operation; it needs ${since} or newer`);
  }
}

async function authenticate(request: FastifyRequest, service: Service) {
  const match = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
  if (match?.[1] === undefined) return { refused: 'no bearer token' };
  return service.tokens.verify(match[1], poolResource(request.host, service.hostnames));
}

function challenge(request: FastifyRequest, service: Service): RawAnswer {
  const authority = isServiceHost(request.host) ? 'https://login.microsoftonline.com' : service.publicUrl();
  const resource = poolResource(request.host, service.hostnames);
  const value = `Bearer authorization="${authority}/${service.tokens.tenantId}", resource="${resource}"`;
  const headers = { 'content-type': jsonType, 'www-authenticate': value };
  return new RawAnswer(401, headers, request.method === 'GET' ? 'OK' : '');
}

/** The key of the path; throws Invalidkeyidentifier when no key can be called so. */
function nameOf(request: FastifyRequest): string | undefined {
  const { name } = request.params as { name?: string };
  if (name !== undefined && !keyName.test(name)) throw invalidKeyIdentifier();
  if (name !== undefined) request.call.key = name;
  return name;
}

function scopeOf(request: FastifyRequest, guard: Guard): string {
  const name = nameOf(request);
  if (guard.scope === 'keys') return '/keys';
  if (guard.scope === 'pool') return '/';
  if (name !== undefined) return `/keys/${name}`;
  return guard.scope === 'path' && /^\/keys\//i.test(request.url) ? '/keys' : '/';
}
