// What tokens say. Pure: times and signature are added by whoever issues.
import { createHash, randomUUID } from 'node:crypto';
import { guid } from '../guid.ts';
import type { TokenSubject, UserEntry } from './directory-model.ts';

/** Who a token is for, and how that was proven. */
export interface Grant {
  readonly subject: TokenSubject;
  /** The application that asks; for a principal without a user the subject's own. */
  readonly clientId: string;
  /** How the application proved itself: "0" not at all (public client), "1" secret, "2" certificate or federated token. */
  readonly proof: '0' | '1' | '2';
  /** How the user did, for `amr`. */
  readonly userProof?: 'pwd';
}

export interface AccessClaimsQuestion extends Grant {
  readonly tenantId: string;
  readonly audience: string;
  /** Object ids of the subject's groups. */
  readonly groups: readonly string[];
}

/** More groups than these are left out of a JWT, and the token says so. */
export const maxGroupsInToken = 200;

/** What the token of one identity is asked for when it is to sign another in (workload identity federation). */
export const tokenExchange = 'api://AzureADTokenExchange';

/** The application id that an audience is, or names as `api://{client id}`. */
function applicationIn(audience: string): string | undefined {
  const id = audience.replace(/^api:\/\//i, '');
  return guid.test(id) ? id : undefined;
}

/** Applications of the tenant that are asked for by `api://{client id}`, and the exchange of tokens, take v2 tokens. */
export const takesVersion2 = (audience: string) => audience === tokenExchange || applicationIn(audience) !== undefined;

/** The issuer of v1 tokens, whichever host the mock is reached by. */
export const issuerV1 = (tenantId: string) => `https://sts.windows.net/${tenantId}/`;

/** The issuer of v2 access tokens. */
export const issuerV2 = (tenantId: string) => `https://login.microsoftonline.com/${tenantId}/v2.0`;

/**
 * Claims of an access token, without its times.
 *
 * The version follows the resource and not the endpoint: Managed HSM, ARM and Graph take v1 tokens.
 */
export function accessClaims(question: AccessClaimsQuestion): Record<string, unknown> {
  const { audience, tenantId, subject, clientId, proof } = question;
  const versioned = takesVersion2(audience)
    ? {
        aud: applicationIn(audience) ?? audience,
        iss: issuerV2(tenantId),
        azp: clientId,
        azpacr: proof,
        ver: '2.0',
      }
    : { aud: audience, iss: issuerV1(tenantId), appid: clientId, appidacr: proof, ver: '1.0' };
  return {
    ...versioned,
    idp: issuerV1(tenantId),
    oid: subject.objectId,
    tid: tenantId,
    uti: randomUUID(),
    ...(subject.kind === 'User' ? userClaims(subject, question) : { idtyp: 'app', sub: subject.objectId }),
    ...(subject.kind === 'ManagedIdentity' ? { xms_mirid: subject.resourceId } : {}),
    ...groupClaims(question),
  };
}

function userClaims(user: UserEntry, { clientId, userProof }: Grant) {
  return {
    idtyp: 'user',
    sub: pairwiseSubject(user, clientId),
    acr: '1',
    ...(userProof === undefined ? {} : { amr: [userProof] }),
    name: user.name,
    scp: 'user_impersonation',
    unique_name: user.upn,
    upn: user.upn,
  };
}

function groupClaims({ groups, subject, tenantId }: AccessClaimsQuestion): Record<string, unknown> {
  if (groups.length === 0) return {};
  if (groups.length <= maxGroupsInToken) return { groups };
  const kind = subject.kind === 'User' ? 'users' : 'servicePrincipals';
  const endpoint = `https://graph.windows.net/${tenantId}/${kind}/${subject.objectId}/getMemberObjects`;
  return { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint } } };
}

/** Claims of an id_token, without its times. @param issuer as the discovery of the same host names it */
export function identityClaims(user: UserEntry, clientId: string, tenantId: string, issuer: string) {
  return {
    aud: clientId,
    iss: issuer,
    name: user.name,
    oid: user.objectId,
    preferred_username: user.upn,
    sub: pairwiseSubject(user, clientId),
    tid: tenantId,
    uti: randomUUID(),
    ver: '2.0',
  };
}

/** The same user has another subject for each application. */
function pairwiseSubject({ objectId }: UserEntry, clientId: string): string {
  return createHash('sha256').update(`${objectId} ${clientId}`).digest('base64url');
}
