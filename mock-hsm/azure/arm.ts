// The little of Azure Resource Manager that clients ask for on their way to a pool: the endpoints of the cloud, one
// tenant, one subscription and the pool as a resource in it. Read only.
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { originOf } from '../http/request.ts';
import type { Service } from '../service.ts';
import type { App } from '../traffic/call.ts';
import { demandToken } from './bearer.ts';

const audiences = ['https://management.azure.com', 'https://management.core.windows.net'];

const refusal = {
  absent: {
    code: 'AuthenticationFailed',
    message: "Authentication failed. The 'Authorization' header is missing.",
  },
  bad: { code: 'InvalidAuthenticationToken', message: 'The access token is invalid.' },
};

const resourceGroup = 'mock-hsm';
const location = 'westeurope';

/** Adds the routes of Resource Manager. */
export function armRoutes(app: App, service: Service): void {
  app.get('/metadata/endpoints', { config: { operation: 'cloudEndpoints' } }, (request) => cloudBody(request, service));

  const config = { operation: 'resourceManager' };
  const options = { config, onRequest: demandToken(service, audiences, refusal) };
  const subscription = () => subscriptionBody(service.tokens.tenantId);
  const pool = () => poolBody(service);
  app.get('/tenants', options, () => ({ value: [tenantBody(service.tokens.tenantId)] }));
  app.get('/subscriptions', options, () => ({ value: [subscription()], count: { type: 'Total', value: 1 } }));
  app.get('/subscriptions/:subscription', options, (request, reply) =>
    paramOf(request, 'subscription') === subscription().subscriptionId ? subscription() : notFound(request, reply),
  );
  for (const group of ['', '/resourceGroups/:group']) {
    const provider = `/subscriptions/:subscription${group}/providers/Microsoft.KeyVault`;
    app.get(`${provider}/managedHSMs`, options, () => ({ value: [pool()] }));
    app.get(`${provider}/vaults`, options, () => ({ value: [] }));
    app.get(`${provider}/deletedManagedHSMs`, options, () => ({ value: [] }));
  }
  const one = '/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.KeyVault/managedHSMs/:name';
  app.get(one, options, (request, reply) => {
    const name = paramOf(request, 'name');
    return name === pool().name ? pool() : notFound(request, reply);
  });
  app.get('/subscriptions/:subscription/resources', options, () => ({ value: [pool()] }));
  app.all('/subscriptions/*', options, notFound);
}

const paramOf = (request: FastifyRequest, name: string) => (request.params as Record<string, string>)[name] ?? '';

function notFound(request: FastifyRequest, reply: FastifyReply) {
  const path = request.url.split('?', 1)[0]?.slice(0, 200);
  const message = `The mock's Resource Manager is read only and has no ${request.method} ${path}`;
  return reply.code(404).send({ error: { code: 'ResourceNotFound', message } });
}

/** What `az cloud register --endpoint-resource-manager` reads: every endpoint is the mock. */
function cloudBody(request: FastifyRequest, service: Service) {
  const origin = originOf(request, service);
  return {
    name: 'mock-hsm',
    resourceManager: origin,
    portal: origin,
    authentication: {
      loginEndpoint: origin,
      audiences: ['https://management.core.windows.net/', 'https://management.azure.com/'],
      tenant: 'common',
      identityProvider: 'AAD',
    },
    graphAudience: 'https://graph.windows.net/',
    graph: 'https://graph.windows.net/',
    microsoftGraphResourceId: origin,
    suffixes: { keyVaultDns: 'vault.azure.net', mhsmDns: 'managedhsm.azure.net', storage: 'core.windows.net' },
  };
}

function tenantBody(tenantId: string) {
  return {
    id: `/tenants/${tenantId}`,
    tenantId,
    countryCode: 'NL',
    displayName: 'mock-hsm',
    domains: ['mock-hsm.onmicrosoft.com'],
    tenantCategory: 'Home',
    defaultDomain: 'mock-hsm.onmicrosoft.com',
    tenantType: 'AAD',
  };
}

function subscriptionBody(tenantId: string) {
  const subscriptionId = subscriptionOf(tenantId);
  return {
    id: `/subscriptions/${subscriptionId}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId,
    tenantId,
    displayName: 'mock-hsm',
    state: 'Enabled',
    subscriptionPolicies: {
      locationPlacementId: 'Public_2014-09-01',
      quotaId: 'PayAsYouGo_2014-09-01',
      spendingLimit: 'Off',
    },
  };
}

/** The same for a tenant at every start, without another value to keep. */
function subscriptionOf(tenantId: string): string {
  const digits = createHash('sha256').update(`subscription of ${tenantId}`).digest('hex');
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');
}

function poolBody(service: Service) {
  const { tenantId } = service.tokens;
  const { retentionDays, purgeProtection } = service.keys.pool;
  const host = poolHost(service.hostnames);
  const name = host?.split('.', 1)[0] ?? 'localhost';
  const group = `/subscriptions/${subscriptionOf(tenantId)}/resourceGroups/${resourceGroup}`;
  return {
    id: `${group}/providers/Microsoft.KeyVault/managedHSMs/${name}`,
    name,
    type: 'Microsoft.KeyVault/managedHSMs',
    location,
    sku: { family: 'B', name: 'Standard_B1' },
    tags: {},
    properties: {
      tenantId,
      hsmUri: host === undefined ? `${service.publicUrl()}/` : `https://${host}/`,
      enableSoftDelete: true,
      softDeleteRetentionInDays: retentionDays,
      enablePurgeProtection: purgeProtection,
      provisioningState: 'Succeeded',
      publicNetworkAccess: 'Enabled',
      statusMessage: 'The Managed HSM is provisioned and ready to use.',
    },
  };
}

/** The service's own name that the mock was started with, `mypool` where a wildcard was given. */
function poolHost(hostnames: readonly string[]): string | undefined {
  const found = hostnames.find((name) => name.toLowerCase().endsWith('.managedhsm.azure.net'));
  return found?.toLowerCase().replace(/^\*/, 'mypool');
}
