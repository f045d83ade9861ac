import { CKR_DEVICE_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';

/** What Entra ID takes for a tenant: its id or one of its domains. */
const TENANT = /^[0-9a-z][0-9a-z.-]*$/i;

/** Where a token comes from, for which resource. */
export interface Authority {
  /** Origin of Entra ID: `https://login.microsoftonline.com`. */
  readonly host: string;
  readonly tenantId: string;
  /** What the token is for, without a trailing slash: `https://managedhsm.azure.net`. */
  readonly resource: string;
  /** One of Azure's own addresses, which need no further proof. */
  readonly wellKnown: boolean;
}

/** What the operator set, which wins over what the HSM says. */
export interface Configured {
  readonly baseUrl: string;
  readonly path: string;
  readonly tenantId?: string | undefined;
  readonly authorityHost?: string | undefined;
}

const AUTHORITIES = new Set(
  [
    'login.microsoftonline.com',
    'login.windows.net',
    'login.microsoftonline.us',
    'login.chinacloudapi.cn',
    'login.partner.microsoftonline.cn',
  ].map((host) => `https://${host}`),
);
const RESOURCES = new Set(
  ['managedhsm.azure.net', 'managedhsm.azure.cn', 'managedhsm.usgovcloudapi.net'].map((host) => `https://${host}`),
);

/** A token, and what follows it: `=` and a value (a parameter), or another token after white space (it is a scheme). */
const PARTS = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|(?=\s+[^\s,=]))/g;

/**
 * The parameters of the first `Bearer a="b", c="d"` in a WWW-Authenticate header, which may hold several challenges (RFC
 * 9110 section 11.6.1); names in lower case, the first of a name counts.
 */
export function parseChallenge(header: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let scheme = '';
  for (const [, token = '', quoted, bare] of header.matchAll(PARTS)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? bare;
    const name = token.toLowerCase();
    if (value === undefined && scheme === 'bearer') break;
    if (value === undefined) scheme = name;
    else if (scheme === 'bearer' && !parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

function refuse(what: string, hint: string): Pkcs11Error {
  return new Pkcs11Error(CKR_DEVICE_ERROR, what, { hint });
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/**
 * A resource is one of Managed HSM's; where the operator named the authority too, it may be the HSM's own host or a
 * domain above it. Anything with a path, a user, a query is another service's.
 */
function isOwnResource(resource: URL, baseUrl: string, authorityIsConfigured: boolean): boolean {
  // An empty query or fragment is in the text of an address alone.
  if (resource.href !== `${resource.origin}/` || resource.protocol !== 'https:') return false;
  if (RESOURCES.has(resource.origin)) return true;
  if (!authorityIsConfigured) return false;
  const { hostname } = new URL(baseUrl);
  const above = resource.hostname.includes('.') && hostname.endsWith(`.${resource.hostname}`);
  return hostname === resource.hostname || above;
}

/**
 * Reads a challenge. Throws CKR_DEVICE_ERROR when it names an authority that is neither Azure's nor the configured one,
 * or a resource that is not this HSM's: a token for it would be worth something elsewhere.
 */
export function authorityOf(header: string, { baseUrl, path, tenantId, authorityHost }: Configured): Authority {
  const parameters = parseChallenge(header);
  const named = parseUrl(parameters.get('authorization') ?? parameters.get('authorization_uri') ?? '');
  const resource = parseUrl(parameters.get('resource') ?? (parameters.get('scope') ?? '').replace(/\/\.default$/, ''));
  const host = authorityHost === undefined ? named?.origin : new URL(authorityHost).origin;
  const tenant = tenantId ?? named?.pathname.split('/')[1];
  if (resource === undefined || host === undefined || tenant === undefined || !TENANT.test(tenant)) {
    throw refuse(
      `${baseUrl} sent no challenge that says where tokens come from`,
      `check that the address in ${path} is that of a Managed HSM`,
    );
  }
  const wellKnown = AUTHORITIES.has(host);
  if (!wellKnown && authorityHost === undefined) {
    throw refuse(
      `${baseUrl} wants tokens of ${host}, which is not an authority of Azure`,
      `if it is meant, set authorityHost of ${path} to it; nothing was sent`,
    );
  }
  if (!isOwnResource(resource, baseUrl, authorityHost !== undefined)) {
    throw refuse(
      `${baseUrl} wants a token for ${resource.origin}, which is not its own`,
      'this server is no Managed HSM; nothing was sent',
    );
  }
  return { host, tenantId: tenant, resource: resource.origin, wellKnown };
}
