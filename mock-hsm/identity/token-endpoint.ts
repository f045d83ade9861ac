// Entra ID's token endpoint: from a request to the body of the answer.
import type { Service } from '../service.ts';
import { takesVersion2, tokenExchange } from './claims.ts';
import type { UserEntry } from './directory-model.ts';
import { type Granted, type GrantParts, grant, isAlias } from './grants.ts';
import { isKnownHost } from './known-hosts.ts';
import { managedHsmAudience, poolResource, resourceFor } from './resource.ts';
import { missingParameter, unknownResource, unknownTenant } from './token-error.ts';
import type { TokenRequest } from './token-request.ts';

type Parts = Pick<Service, 'tokens' | 'directory' | 'clock' | 'hostnames' | 'deviceCodes' | 'refreshTokens'>;

/** Resources of Azure that clients ask for beside the HSM; the HSM refuses their tokens as the service does. */
const otherResources: readonly string[] = [
  'https://vault.azure.net',
  'https://management.azure.com',
  'https://management.core.windows.net',
  'https://graph.microsoft.com',
  'https://graph.windows.net',
  'https://storage.azure.com',
  'https://batch.core.windows.net',
  'https://dev.azuresynapse.net',
  tokenExchange,
];

export interface TokenAnswer {
  readonly body: Record<string, unknown>;
  /** Object id of whom the token is for. */
  readonly principal: string;
}

/** Issues tokens, or throws the TokenError that Entra ID would answer. */
export async function requestToken(request: TokenRequest, service: Parts): Promise<TokenAnswer> {
  assertTenant(request.tenant, service);
  const granted = await grant(request, partsOf(request, service));
  const { resource } = granted.wish;
  if (!isKnownResource(resource, request.host, service)) throw unknownResource(resource, service.tokens.tenantId);
  const { accessToken, expiresInS } = await service.tokens.issue(granted, resource);
  const nowS = service.clock.nowS();
  const v1 = request.form.has('resource');
  // The v1 endpoint writes numbers as text.
  const number = (value: number) => (v1 ? String(value) : value);
  const body = {
    token_type: 'Bearer',
    ...(granted.wish.scope === '' ? {} : { scope: granted.wish.scope }),
    expires_in: number(expiresInS),
    ext_expires_in: number(expiresInS),
    ...(v1 ? { expires_on: String(nowS + expiresInS), not_before: String(nowS), resource } : {}),
    access_token: accessToken,
    ...(granted.subject.kind === 'User' ? await userParts(granted.subject, granted, request, service) : {}),
  };
  return { body, principal: granted.subject.objectId };
}

/** Throws AADSTS90002 when a path names a tenant that is not this mock's. */
export function assertTenant(tenant: string, { tokens, directory }: Pick<Service, 'tokens' | 'directory'>): void {
  const wanted = tenant.toLowerCase();
  if (wanted === tokens.tenantId || isAlias(tenant)) return;
  const isDomain = directory.all().some((each) => each.kind === 'User' && domainOf(each.upn) === wanted);
  if (!isDomain) throw unknownTenant(tenant);
}

/** What a user principal name ends with, lower case. */
export const domainOf = (upn: string) => upn.slice(upn.indexOf('@') + 1).toLowerCase();

/** Throws when a form field that every user flow needs is absent. */
export function clientIdOfForm(form: URLSearchParams): string {
  const clientId = form.get('client_id');
  if (clientId === null || clientId === '') throw missingParameter('client_id');
  return clientId.toLowerCase();
}

function partsOf({ host }: TokenRequest, service: Parts): GrantParts {
  const { directory, clock, tokens, deviceCodes, refreshTokens, hostnames } = service;
  return {
    directory,
    clock,
    tenantId: tokens.tenantId,
    ownKeys: tokens.jwks().keys,
    isOwnHost: (other) => other.toLowerCase() === host.toLowerCase() || isKnownHost(other, hostnames),
    deviceCodes,
    refreshTokens,
  };
}

async function userParts(
  user: UserEntry,
  { wish, clientId }: Granted,
  { form, origin }: TokenRequest,
  { tokens, refreshTokens, clock }: Parts,
) {
  const { tenantId } = tokens;
  const info = { uid: user.objectId, utid: tenantId };
  const grantOfRefresh = { userObjectId: user.objectId, clientId, issuedS: clock.nowS(), scope: wish.scope };
  return {
    ...(wish.wantsRefreshToken ? { refresh_token: refreshTokens.issue(grantOfRefresh) } : {}),
    ...(wish.wantsIdToken
      ? { id_token: await tokens.issueIdentity(user, clientId, `${origin}/${tenantId}/v2.0`) }
      : {}),
    ...(form.get('client_info') === '1'
      ? { client_info: Buffer.from(JSON.stringify(info)).toString('base64url') }
      : {}),
  };
}

/** Whether the tenant has it. Names of the pool vary with the host it is reached by; the port is the client's affair. */
export function isKnownResource(
  asked: string,
  host: string,
  { hostnames, directory }: Pick<Service, 'hostnames' | 'directory'>,
): boolean {
  const resource = asked.replace(/\/$/, '').replace(/:\d+$/, '');
  const own = hostnames.map((name) => resourceFor(name.toLowerCase()));
  own.push(poolResource(host.replace(/:\d+$/, ''), hostnames));
  // Graph at the mock's own address is a resource by that address.
  own.push(`https://${host.toLowerCase().replace(/:\d+$/, '')}`);
  if ([managedHsmAudience, ...otherResources, ...own].includes(resource)) return true;
  return takesVersion2(resource) && directory.byClientId(resource.replace(/^api:\/\//i, '')) !== undefined;
}
