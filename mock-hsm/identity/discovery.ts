// What clients read before they ask for tokens: which hosts belong together, where the endpoints are, with which keys
// tokens are signed, whether a user's domain signs in here.
import type { FastifyRequest } from 'fastify';
import { originOf, queryValue } from '../http/request.ts';
import type { Service } from '../service.ts';
import type { App } from '../traffic/call.ts';
import { issuerV1 } from './claims.ts';
import { isAlias } from './grants.ts';
import { hostnameOf, isKnownHost, loginHosts } from './known-hosts.ts';
import { assertTenant, domainOf } from './token-endpoint.ts';
import { unknownInstance } from './token-error.ts';
import { orTokenError, tenantOf } from './token-http.ts';

const discovery = { operation: 'discovery' };

/** Adds the discovery routes. */
export function discoveryRoutes(app: App, service: Service): void {
  const get = (path: string, answer: (request: FastifyRequest) => unknown) =>
    app.get(path, { config: discovery }, (request, reply) =>
      orTokenError(request, reply, service, () => answer(request)),
    );
  get('/common/discovery/instance', (request) => instanceBody(request, service));
  get('/:tenant/v2.0/.well-known/openid-configuration', (request) => openidBody(request, service, '/v2.0'));
  get('/:tenant/.well-known/openid-configuration', (request) => openidBody(request, service, ''));
  for (const path of ['/:tenant/discovery/v2.0/keys', '/:tenant/discovery/keys']) {
    get(path, (request) => {
      assertTenant(tenantOf(request), service);
      return service.tokens.jwks();
    });
  }
  get('/common/UserRealm/:user', (request) => realmBody((request.params as { user: string }).user, service));
}

/** The issuer stands under the host the client asked, which MSAL compares. @param version of the path, `/v2.0` or none */
function openidBody(request: FastifyRequest, service: Service, version: '' | '/v2.0') {
  const tenant = tenantOf(request);
  assertTenant(tenant, service);
  const { tenantId } = service.tokens;
  const origin = originOf(request, service);
  const base = `${origin}/${isAlias(tenant) ? tenant.toLowerCase() : tenantId}`;
  // Where the tenant is not known yet, the real answer has a placeholder too.
  const issuerTenant = isAlias(tenant) ? '{tenantid}' : tenantId;
  return {
    issuer: version === '' ? issuerV1(issuerTenant) : `${origin}/${issuerTenant}/v2.0`,
    authorization_endpoint: `${base}/oauth2${version}/authorize`,
    token_endpoint: `${base}/oauth2${version}/token`,
    device_authorization_endpoint: `${base}/oauth2${version}/devicecode`,
    jwks_uri: `${base}/discovery${version}/keys`,
    userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'name', 'oid', 'preferred_username', 'tid', 'ver'],
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
    cloud_graph_host_name: 'graph.windows.net',
    msgraph_host: 'graph.microsoft.com',
  };
}

/** Clients ask it whether an authority is one of Entra ID's; it is when it is one of ours. */
function instanceBody(request: FastifyRequest, service: Service) {
  const own = `${originOf(request, service)}/common/oauth2/v2.0/authorize`;
  const asked = queryValue(request, 'authorization_endpoint') ?? own;
  const authority = authorityOf(asked, request, service);
  const microsoft = {
    preferred_network: 'login.microsoftonline.com',
    preferred_cache: 'login.windows.net',
    aliases: loginHosts,
  };
  const { host } = authority;
  const ours = { preferred_network: host, preferred_cache: host, aliases: [host] };
  return {
    tenant_discovery_endpoint: `${authority.origin}/${authority.tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': queryValue(request, 'api-version') ?? '1.1',
    metadata: loginHosts.includes(hostnameOf(host)) ? [microsoft] : [microsoft, ours],
  };
}

function authorityOf(asked: string, request: FastifyRequest, { hostnames }: Service) {
  const url = URL.canParse(asked) ? new URL(asked) : undefined;
  const isOwn = url !== undefined && (url.hostname === hostnameOf(request.host) || isKnownHost(url.host, hostnames));
  if (url === undefined || url.protocol !== 'https:' || !isOwn) throw unknownInstance(asked.slice(0, 200));
  // MSAL for Python leaves the port out, though it means the server it talks to.
  const host = url.hostname === hostnameOf(request.host) && url.port === '' ? request.host : url.host;
  return { host, origin: `https://${host}`, tenant: url.pathname.split('/')[1] || 'common' };
}

/** Every domain that a user is of signs in here with a password ("Managed"); no domain is federated. */
function realmBody(user: string, { directory }: Service) {
  const domain = domainOf(user);
  const isOurs = directory.all().some((each) => each.kind === 'User' && domainOf(each.upn) === domain);
  return {
    ver: '1.0',
    account_type: isOurs ? 'Managed' : 'Unknown',
    ...(isOurs ? { domain_name: domain, cloud_audience_urn: 'urn:federation:MicrosoftOnline' } : {}),
    cloud_instance_name: 'microsoftonline.com',
  };
}
