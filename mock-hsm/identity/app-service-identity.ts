// The identity endpoint of App Service and Functions: what a web app asks at IDENTITY_ENDPOINT.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { queryValue } from '../http/request.ts';
import type { Service } from '../service.ts';
import { chooseIdentity, machineToken } from './machine-identities.ts';
import { isSameSecret } from './same-secret.ts';

export const appServicePath = '/msi/token';

/** By api-version: the header that holds the secret, and what the client id is called. */
const versions: ReadonlyMap<string, { header: string; clientId: string }> = new Map([
  ['2019-08-01', { header: 'x-identity-header', clientId: 'client_id' }],
  ['2017-09-01', { header: 'secret', clientId: 'clientid' }],
]);

/** Adds the token route. @param secret what the web app finds in IDENTITY_HEADER */
export function appServiceRoutes(app: FastifyInstance, service: Service, secret: string): void {
  app.get(appServicePath, { config: { operation: 'appServiceToken' } }, async (request, reply) => {
    const version = versions.get(queryValue(request, 'api-version') ?? '');
    if (version === undefined) return refuse(request, reply, 400, 'The api-version is not supported.');
    if (!isSameSecret(String(request.headers[version.header]), secret)) {
      return refuse(request, reply, 401, `The ${version.header} header is missing or wrong.`);
    }
    const resource = queryValue(request, 'resource') ?? '';
    if (resource === '') return refuse(request, reply, 400, 'The resource is missing.');
    const identity = chooseIdentity(service.directory, {
      clientId: queryValue(request, version.clientId),
      objectId: queryValue(request, 'principal_id') ?? queryValue(request, 'object_id'),
      resourceId: queryValue(request, 'mi_res_id') ?? queryValue(request, 'msi_res_id'),
    });
    if (typeof identity === 'string') {
      return refuse(request, reply, 400, 'No Managed Identity found for specified ClientId/ResourceId/PrincipalId.');
    }
    request.call.clientId = identity.clientId;
    const token = await machineToken(identity, resource, service);
    if (token === undefined) return refuse(request, reply, 400, `AADSTS500011: There is no resource ${resource}.`);
    request.call.principal = identity.objectId;
    return {
      access_token: token.accessToken,
      client_id: identity.clientId,
      expires_on: String(token.expiresOnS),
      not_before: String(token.notBeforeS),
      resource,
      token_type: 'Bearer',
    };
  });
}

function refuse(request: FastifyRequest, reply: FastifyReply, status: number, message: string): FastifyReply {
  request.call.reason = message;
  return reply.code(status).send({ statusCode: status, message, correlationId: request.id });
}
