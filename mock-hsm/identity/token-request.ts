// A request to the token endpoint, read: its form, its client id, the resource it asks for.
import { invalidScope, invalidUserScope, missingParameter, severalResources } from './token-error.ts';

export interface TokenRequest {
  /** As it stands in the path. */
  readonly tenant: string;
  readonly form: URLSearchParams;
  /** The Authorization header, where a client may put its id and secret instead of the form. */
  readonly authorization: string | undefined;
  /** Host header. */
  readonly host: string;
  /** `https://` and the host that the client used. */
  readonly origin: string;
}

/** What a token is asked for. */
export interface Wish {
  readonly resource: string;
  /** The scopes that go into the answer of a user's flow. */
  readonly scope: string;
  readonly wantsIdToken: boolean;
  readonly wantsRefreshToken: boolean;
}

/** Scopes that name no resource. */
const openidScopes: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

/** What is asked for when no scope names a resource. */
const graph = 'https://graph.microsoft.com';

/** A field of the form. Throws AADSTS900144 when it is absent or empty. */
export function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') throw missingParameter(name);
  return value;
}

/** Id and secret from a Basic Authorization header (RFC 6749 section 2.3.1), if there is one. */
export function basicCredentials(authorization: string | undefined): { id: string; secret: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':', 2);
  // Both parts are form-encoded before they are joined.
  const decoded = new URLSearchParams(`id=${id}&secret=${secret}`);
  return { id: decoded.get('id') ?? '', secret: decoded.get('secret') ?? '' };
}

/** The application that asks, from the form or the Basic header. */
export function clientIdOf({ form, authorization }: TokenRequest): string {
  return (form.has('client_id') ? undefined : basicCredentials(authorization)?.id) ?? required(form, 'client_id');
}

/**
 * What an application asks for itself: `resource` (v1) or one scope that ends with `/.default` (v2).
 *
 * MSAL for Java adds the scopes of OpenID Connect here, too; they mean nothing without a user.
 */
export function applicationWish(form: URLSearchParams): string {
  const resource = form.get('resource');
  if (resource !== null) return resource;
  const asked = required(form, 'scope');
  const [scope = '', ...further] = asked.split(/\s+/).filter((each) => each !== '' && !openidScopes.includes(each));
  if (further.length > 0 || !scope.endsWith('/.default')) throw invalidScope(asked);
  return scope.slice(0, -'/.default'.length);
}

/** What is asked for in the name of a user. @param standard the scope to take when the form has none */
export function userWish(form: URLSearchParams, standard = ''): Wish {
  const resource = form.get('resource');
  const scopes = (form.get('scope') ?? standard).split(/\s+/).filter((scope) => scope !== '');
  const named = scopes.filter((scope) => !openidScopes.includes(scope));
  return {
    resource: resource ?? resourceOfScopes(named),
    scope: scopes.filter((scope) => scope !== 'offline_access').join(' '),
    wantsIdToken: scopes.includes('openid') || resource !== null,
    wantsRefreshToken: scopes.includes('offline_access') || resource !== null,
  };
}

function resourceOfScopes(scopes: readonly string[]): string {
  const resources = new Set(scopes.map(resourceOfScope));
  if (resources.size > 1) throw severalResources(scopes.join(' '));
  return [...resources][0] ?? graph;
}

/** `https://host/permission`; a bare permission, such as `User.Read`, is Graph's. */
function resourceOfScope(scope: string): string {
  if (!scope.includes('/')) return graph;
  if (!/^(https|api):\/\/[^/]+\/./.test(scope)) throw invalidUserScope(scope);
  return scope.slice(0, scope.lastIndexOf('/'));
}
