// HTTP of Entra ID: discovery, keys, tokens. It shares the port with the pool.
import type { FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import { originOf } from '../traffic/admission.ts';
import type { App } from '../traffic/call.ts';
import { requestToken } from './token-endpoint.ts';
import { TokenError, tokenErrorBody } from './token-error.ts';

const discovery = { operation: 'discovery' };

/** Adds the identity routes. */
export function identityRoutes(app: App, service: Service): void {
  app.get('/common/discovery/instance', { config: discovery }, (request) => instanceBody(request, service));
  for (const path of ['/:tenant/v2.0/.well-known/openid-configuration', '/:tenant/.well-known/openid-configuration']) {
    app.get(path, { config: discovery }, (request) => openidBody(request, service));
  }
  for (const path of ['/:tenant/discovery/v2.0/keys', '/:tenant/discovery/keys']) {
    app.get(path, { config: discovery }, () => service.tokens.jwks());
  }
  for (const path of ['/:tenant/oauth2/v2.0/token', '/:tenant/oauth2/token']) {
    app.post(path, { config: { operation: 'token' } }, async (request, reply) => {
      try {
        return await tokenBody(request, service);
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        request.call.reason = `${error.error} AADSTS${error.number}`;
        reply.code(error.status);
        return tokenErrorBody(error, new Date(service.clock.nowMs()));
      }
    });
  }
}

const tenantOf = (request: FastifyRequest) => (request.params as { tenant: string }).tenant;

async function tokenBody(request: FastifyRequest, service: Service) {
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
  request.call.clientId = form.get('client_id')?.slice(0, 64) ?? '';
  const { authorization } = request.headers;
  const asked = { tenant: tenantOf(request), form, authorization, host: request.host };
  const { accessToken, expiresInS, resource, principal } = await requestToken(asked, service);
  request.call.principal = principal.objectId;
  const nowS = service.clock.nowS();
  const v1 = form.has('resource')
    ? { expires_on: String(nowS + expiresInS), not_before: String(nowS), resource }
    : undefined;
  return {
    token_type: 'Bearer',
    expires_in: v1 === undefined ? expiresInS : String(expiresInS),
    ext_expires_in: v1 === undefined ? expiresInS : String(expiresInS),
    ...v1,
    access_token: accessToken,
  };
}

/** The issuer stands under the host the client asked, which MSAL compares. */
function openidBody(request: FastifyRequest, service: Service) {
  const base = `${originOf(request, service)}/${tenantOf(request)}`;
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    response_types_supported: ['code', 'id_token', 'token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  };
}

function instanceBody(request: FastifyRequest, service: Service) {
  const origin = originOf(request, service);
  const { host } = new URL(origin);
  const aliases = [...new Set([host, 'login.microsoftonline.com', 'login.windows.net'])];
  return {
    tenant_discovery_endpoint: `${origin}/${service.tokens.tenantId}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases }],
  };
}
