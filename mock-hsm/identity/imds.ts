// The instance metadata service as far as identity goes: what a virtual machine asks at 169.254.169.254.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { queryValue } from '../http/request.ts';
import type { Service } from '../service.ts';
import { isOwnHost } from './known-hosts.ts';
import { chooseIdentity, machineToken } from './machine-identities.ts';

const invalidRequest = 'invalid_request';

/** The oldest that has managed identity. */
const firstVersion = '2018-02-01';

/** Adds the token route. */
export function imdsRoutes(app: FastifyInstance, service: Service): void {
  app.get('/metadata/identity/oauth2/token', { config: { operation: 'imdsToken' } }, async (request, reply) => {
    const fault = faultOf(request, service.hostnames);
    if (fault !== undefined) return refuse(request, reply, invalidRequest, fault);
    const identity = chooseIdentity(service.directory, {
      clientId: queryValue(request, 'client_id'),
      objectId: queryValue(request, 'object_id') ?? queryValue(request, 'principal_id'),
      // MSAL writes one name to IMDS and the other to App Service; IMDS takes both.
      resourceId: queryValue(request, 'msi_res_id') ?? queryValue(request, 'mi_res_id'),
    });
    if (identity === 'none') return refuse(request, reply, invalidRequest, 'Identity not found');
    if (identity === 'several') {
      const message =
        'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request';
      return refuse(request, reply, invalidRequest, message);
    }
    request.call.clientId = identity.clientId;
    const resource = queryValue(request, 'resource') ?? '';
    const token = await machineToken(identity, resource, service);
    if (token === undefined) {
      const { tenantId } = service.tokens;
      const message = `AADSTS500011: The resource principal named ${resource} was not found in the tenant named ${tenantId}.`;
      return refuse(request, reply, 'invalid_resource', message);
    }
    request.call.principal = identity.objectId;
    return {
      access_token: token.accessToken,
      client_id: identity.clientId,
      expires_in: String(token.expiresInS),
      expires_on: String(token.expiresOnS),
      ext_expires_in: String(token.expiresInS),
      not_before: String(token.notBeforeS),
      resource,
      token_type: 'Bearer',
    };
  });
}

/** What is wrong with a request before it is asked whose token it wants. */
function faultOf(request: FastifyRequest, hostnames: readonly string[]): string | undefined {
  // A web page whose name was made to lead here (DNS rebinding) could set any header; its name is what gives it away.
  const host = request.headers.host ?? '';
  if (!isOwnHost(host, hostnames)) {
    return `The host ${host.slice(0, 100)} is neither an address nor localhost, nor a name the mock was started with`;
  }
  // A browser or a proxy that was tricked into asking cannot set the one and would set the other.
  if (String(request.headers.metadata).toLowerCase() !== 'true') return 'Required metadata header not specified';
  if (request.headers['x-forwarded-for'] !== undefined) return 'X-Forwarded-For header is not allowed';
  const version = queryValue(request, 'api-version');
  if (version === undefined) return "Required query variable 'api-version' not specified";
  if (!/^20\d\d-\d\d-\d\d$/.test(version) || version < firstVersion)
    return `api-version ${version.slice(0, 40)} is not valid`;
  if ((queryValue(request, 'resource') ?? '') === '') return "Required query variable 'resource' not specified";
  return undefined;
}

function refuse(request: FastifyRequest, reply: FastifyReply, error: string, description: string): FastifyReply {
  request.call.reason = description;
  return reply.code(400).send({ error, error_description: description });
}
