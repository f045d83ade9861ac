// A JWT that an application signed with the key of a certificate that is registered for it.
import { createHash, X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, type JWTHeaderParameters, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import { assertionFailure, assertionToleranceS } from './assertion-failure.ts';
import type { RegisteredCertificate } from './directory-model.ts';
import { assertionAudience, assertionKey, malformedAssertion } from './token-error.ts';

export interface AssertionContext {
  readonly clock: Clock;
  /** As it stands in the path of the token endpoint. */
  readonly tenant: string;
  readonly isOwnHost: (host: string) => boolean;
}

/** Throws the TokenError that Entra ID would answer. Issuer and subject are the caller's to check. */
export async function verifyCertificateAssertion(
  assertion: string,
  registered: readonly RegisteredCertificate[],
  { clock, tenant, isOwnHost }: AssertionContext,
): Promise<void> {
  const header = headerOf(assertion);
  const certificate = signerOf(header, registered);
  const now = new Date(clock.nowMs());
  if (now < certificate.validFromDate || now > certificate.validToDate) {
    throw assertionKey('The key used is expired.', fingerprint(certificate, 'sha1'));
  }
  try {
    const { payload } = await jwtVerify(assertion, certificate.publicKey, {
      algorithms: ['RS256', 'PS256'],
      requiredClaims: ['aud', 'exp'],
      currentDate: now,
      clockTolerance: assertionToleranceS,
    });
    const audiences = [payload.aud ?? []].flat();
    if (!audiences.some((audience) => isTokenEndpoint(audience, tenant, isOwnHost))) throw assertionAudience();
  } catch (error) {
    const reason = 'The key was found, but use of the key to verify the signature failed.';
    throw assertionFailure(error, now, () => assertionKey(reason, fingerprint(certificate, 'sha1')));
  }
}

function headerOf(assertion: string): JWTHeaderParameters {
  try {
    return decodeProtectedHeader(assertion) as JWTHeaderParameters;
  } catch {
    throw malformedAssertion();
  }
}

/** The registered certificate that the header names, by thumbprint or by bringing it along. */
function signerOf(header: JWTHeaderParameters, registered: readonly RegisteredCertificate[]): X509Certificate {
  const brought = header.x5c?.[0] === undefined ? undefined : parsed(Buffer.from(header.x5c[0], 'base64'));
  const named = [
    hex(header.x5t),
    hex(header['x5t#S256']),
    header.kid?.toUpperCase(),
    ...(brought === undefined ? [] : [fingerprint(brought, 'sha1'), fingerprint(brought, 'sha256')]),
  ];
  for (const { thumbprint, pem } of registered) {
    const own = pem === undefined ? undefined : parsed(pem);
    const names = own === undefined ? [thumbprint] : [fingerprint(own, 'sha1'), fingerprint(own, 'sha256')];
    if (!names.some((name) => named.includes(name))) continue;
    if (own !== undefined) return own;
    if (brought !== undefined && fingerprintsOf(brought).includes(thumbprint)) return brought;
  }
  throw assertionKey('The key was not found.', named.find((name) => name !== undefined) ?? '');
}

function parsed(certificate: string | Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}

const hex = (base64url: unknown) =>
  typeof base64url === 'string' ? Buffer.from(base64url, 'base64url').toString('hex').toUpperCase() : undefined;

/** Thumbprint of a certificate: the digest of its DER in upper-case hex. */
export const fingerprint = (certificate: X509Certificate, digest: 'sha1' | 'sha256') =>
  createHash(digest).update(certificate.raw).digest('hex').toUpperCase();

const fingerprintsOf = (certificate: X509Certificate) => [
  fingerprint(certificate, 'sha1'),
  fingerprint(certificate, 'sha256'),
];

/** `https://{host}/{tenant}` with the path of a token endpoint, or none: Entra ID takes the issuer as well. */
function isTokenEndpoint(audience: string, tenant: string, isOwnHost: (host: string) => boolean): boolean {
  const match = /^https:\/\/([^/]+)\/([^/]+)(\/v2\.0|\/oauth2\/token|\/oauth2\/v2\.0\/token)?\/?$/i.exec(audience);
  return match !== null && isOwnHost(match[1] ?? '') && match[2]?.toLowerCase() === tenant.toLowerCase();
}
