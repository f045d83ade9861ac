// Entra ID's token endpoint: client credentials, v1 (`resource`) and v2 (`scope`) form.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { AccessTokens, IssuedToken } from './access-tokens.ts';
import type { Directory } from './directory.ts';
import type { ServicePrincipalEntry } from './directory-model.ts';
import { managedHsmAudience, resourceFor } from './resource.ts';
import {
  expiredSecret,
  invalidScope,
  missingParameter,
  unknownClient,
  unknownResource,
  unknownTenant,
  unsupportedGrant,
  wrongSecret,
} from './token-error.ts';

export interface TokenRequest {
  readonly tenant: string;
  readonly form: URLSearchParams;
  /** The Authorization header, where a client may put its id and secret instead of the form. */
  readonly authorization: string | undefined;
  readonly host: string;
}

export interface TokenParts {
  readonly tokens: AccessTokens;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly hostnames: readonly string[];
}

/** Resources of Azure that clients ask for beside the HSM; the HSM refuses their tokens as the service does. */
const otherResources = [
  'https://vault.azure.net',
  'https://management.azure.com',
  'https://management.core.windows.net',
  'https://graph.microsoft.com',
];

/** Issues a token, or throws the TokenError that Entra ID would answer. */
export async function requestToken(
  request: TokenRequest,
  { tokens, directory, clock, hostnames }: TokenParts,
): Promise<IssuedToken & { resource: string; principal: ServicePrincipalEntry }> {
  const { form, tenant } = request;
  if (tenant.toLowerCase() !== tokens.tenantId) throw unknownTenant(tenant);
  const grant = required(form, 'grant_type');
  if (grant !== 'client_credentials') throw unsupportedGrant(grant);
  const { clientId, clientSecret } = credentialsOf(request);
  const principal = directory.byClientId(clientId);
  if (principal?.kind !== 'ServicePrincipal') throw unknownClient(clientId, tenant);
  const secret = principal.secrets.find(({ value }) => isSame(clientSecret, value));
  if (secret === undefined) throw wrongSecret(clientId);
  if (secret.expiresS !== undefined && secret.expiresS <= clock.nowS()) throw expiredSecret(clientId);
  const resource = resourceOf(form);
  if (!isKnownResource(resource, request.host, hostnames)) throw unknownResource(resource);
  return { ...(await tokens.issue(principal, resource, '1')), resource, principal };
}

function credentialsOf({ form, authorization }: TokenRequest): { clientId: string; clientSecret: string } {
  const basic = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined || form.has('client_secret')) {
    return { clientId: required(form, 'client_id'), clientSecret: required(form, 'client_secret') };
  }
  const [clientId = '', clientSecret = ''] = Buffer.from(basic, 'base64').toString().split(':', 2);
  // RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
  const decoded = new URLSearchParams(`id=${clientId}&secret=${clientSecret}`);
  return { clientId: decoded.get('id') ?? '', clientSecret: decoded.get('secret') ?? '' };
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') throw missingParameter(name);
  return value;
}

function resourceOf(form: URLSearchParams): string {
  const resource = form.get('resource');
  if (resource !== null) return resource.replace(/\/$/, '');
  const scope = required(form, 'scope');
  if (!scope.endsWith('/.default')) throw invalidScope(scope);
  return scope.slice(0, -'/.default'.length).replace(/\/$/, '');
}

/** Names of the pool vary with the host it is reached by; the port is the client's affair. */
function isKnownResource(resource: string, host: string, hostnames: readonly string[]): boolean {
  const withoutPort = resource.replace(/:\d+$/, '');
  const own = [host, ...hostnames].map((name) => resourceFor(name.replace(/:\d+$/, '')));
  return [managedHsmAudience, ...otherResources, ...own].includes(withoutPort);
}

/** Compares digests, so that neither length nor content shows in the time it takes. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
