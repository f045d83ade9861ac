// A token of another issuer that an application trusts (workload identity federation).
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import { assertionFailure, assertionToleranceS } from './assertion-failure.ts';
import { issuerV2 } from './claims.ts';
import type { FederatedCredential, ManagedIdentityEntry, ServicePrincipalEntry } from './directory-model.ts';
import { federatedSignature, noFederatedCredential } from './token-error.ts';

export interface FederationContext {
  readonly clock: Clock;
  readonly tenantId: string;
  readonly ownKeys: readonly Readonly<Record<string, unknown>>[];
}

/** Issuers sign with what they like, as long as it is a signature. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Throws the TokenError that Entra ID would answer: issuer, subject and audience must match exactly, and the key. */
export async function verifyFederatedAssertion(
  assertion: string,
  { federatedCredentials }: ServicePrincipalEntry | ManagedIdentityEntry,
  { clock, tenantId, ownKeys }: FederationContext,
): Promise<void> {
  const credential = matching(assertion, federatedCredentials);
  const keys = credential.keys ?? (credential.issuer === issuerV2(tenantId) ? ownKeys : []);
  const now = new Date(clock.nowMs());
  for (const key of candidates(assertion, keys)) {
    try {
      await jwtVerify(assertion, createPublicKey({ key: key as JsonWebKey, format: 'jwk' }), {
        algorithms,
        requiredClaims: ['exp'],
        currentDate: now,
        clockTolerance: assertionToleranceS,
      });
      return;
    } catch (error) {
      if (!isOtherKey(error)) throw assertionFailure(error, now, federatedSignature);
    }
  }
  throw federatedSignature();
}

function matching(assertion: string, credentials: readonly FederatedCredential[]): FederatedCredential {
  const { iss, sub, aud } = decodeJwt(assertion);
  const audiences = [aud ?? []].flat();
  const ofIssuer = credentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) throw noFederatedCredential(700211, 'issuer', String(iss));
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) throw noFederatedCredential(700213, 'subject', String(sub));
  const found = ofSubject.find((each) => each.audiences.some((audience) => audiences.includes(audience)));
  if (found === undefined) throw noFederatedCredential(700212, 'audience', audiences.join(' '));
  return found;
}

/** A key that came as PEM has no key id and may be any. */
function candidates<Key extends Readonly<Record<string, unknown>>>(assertion: string, keys: readonly Key[]): Key[] {
  const { kid } = decodeProtectedHeader(assertion);
  return keys.filter((key) => kid === undefined || key.kid === undefined || key.kid === kid);
}

/** jose answers a key of another kind than the algorithm's with a TypeError. */
const isOtherKey = (error: unknown) =>
  error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError;
