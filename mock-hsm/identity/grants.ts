// What each grant_type demands, and who it speaks for then.
import type { Grant } from './claims.ts';
import { type AuthenticationParts, authenticateClient, identifyClient } from './client-authentication.ts';
import type { DeviceCodes, DeviceLogin } from './device-codes.ts';
import type { UserEntry } from './directory-model.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import * as errors from './token-error.ts';
import { applicationWish, clientIdOf, required, type TokenRequest, userWish, type Wish } from './token-request.ts';

export interface GrantParts extends AuthenticationParts {
  readonly deviceCodes: DeviceCodes;
  readonly refreshTokens: RefreshTokens;
}

export interface Granted extends Grant {
  readonly wish: Wish;
}

type GrantType = (request: TokenRequest, parts: GrantParts) => Promise<Granted>;

const grantTypes: Readonly<Record<string, GrantType>> = {
  client_credentials: clientCredentials,
  password,
  refresh_token: refreshToken,
  device_code: deviceCode,
  'urn:ietf:params:oauth:grant-type:device_code': deviceCode,
};

/** Throws the TokenError that Entra ID would answer. */
export function grant(request: TokenRequest, parts: GrantParts): Promise<Granted> {
  const name = required(request.form, 'grant_type');
  const type = Object.hasOwn(grantTypes, name) ? grantTypes[name] : undefined;
  if (type === undefined) throw errors.unsupportedGrant(name);
  return type(request, parts);
}

async function clientCredentials(request: TokenRequest, parts: GrantParts): Promise<Granted> {
  if (isAlias(request.tenant)) throw errors.noTenant();
  const { application, proof } = await authenticateClient(request, parts);
  const resource = applicationWish(request.form);
  const wish = { resource, scope: '', wantsIdToken: false, wantsRefreshToken: false };
  return { subject: application, clientId: application.clientId, proof, wish };
}

async function password(request: TokenRequest, parts: GrantParts): Promise<Granted> {
  const { form } = request;
  const proof = await identifyClient(request, parts);
  const user = parts.directory.byUpn(required(form, 'username'));
  const given = required(form, 'password');
  if (user === undefined) throw errors.unknownUser(parts.tenantId);
  if (given !== user.password) throw errors.wrongPassword();
  return forUser(user, request, proof, userWish(form));
}

async function refreshToken(request: TokenRequest, parts: GrantParts): Promise<Granted> {
  const { form } = request;
  const proof = await identifyClient(request, parts);
  const known = parts.refreshTokens.open(required(form, 'refresh_token'), parts.clock.nowS());
  if (known === 'expired') throw errors.expiredGrant();
  if (known?.clientId !== clientIdOf(request).toLowerCase()) throw errors.badGrant();
  const user = parts.directory.byObjectId(known.userObjectId);
  if (user?.kind !== 'User') throw errors.badGrant();
  return forUser(user, request, proof, userWish(form, known.scope));
}

async function deviceCode(request: TokenRequest, parts: GrantParts): Promise<Granted> {
  const { form } = request;
  const proof = await identifyClient(request, parts);
  const login = parts.deviceCodes.find(required(form, form.has('code') ? 'code' : 'device_code'));
  const user = parts.directory.byObjectId(approverOf(login, clientIdOf(request), parts.clock.nowS()));
  parts.deviceCodes.end(login?.deviceCode ?? '');
  if (user?.kind !== 'User') throw errors.badGrant();
  return forUser(user, request, proof, userWish(form, login?.scope));
}

function approverOf(login: DeviceLogin | undefined, clientId: string, nowS: number): string {
  if (login === undefined || login.clientId !== clientId.toLowerCase()) throw errors.badDeviceCode();
  if (login.declined === true) throw errors.authorizationDeclined();
  if (login.expiresS <= nowS) throw errors.expiredDeviceCode();
  if (login.approvedBy === undefined) throw errors.authorizationPending();
  return login.approvedBy;
}

function forUser(user: UserEntry, request: TokenRequest, proof: Grant['proof'], wish: Wish): Granted {
  if (user.disabled === true) throw errors.disabledUser();
  return { subject: user, clientId: clientIdOf(request).toLowerCase(), proof, userProof: 'pwd', wish };
}

/** Paths that stand for whichever tenant the user is of. */
export const isAlias = (tenant: string) => /^(common|organizations)$/i.test(tenant);
