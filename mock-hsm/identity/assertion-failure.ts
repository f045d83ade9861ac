// What jose says of an assertion that does not hold, as Entra ID would say it.
import { errors } from 'jose';
import { assertionTime, malformedAssertion, type TokenError } from './token-error.ts';

/** How far the clocks of Entra ID and of whoever signed may be apart. */
export const assertionToleranceS = 300;

/** The years that four digits can write; a client may sign any number, also one that is no time. */
const [firstS, lastS] = [-62_135_596_800, 253_402_300_799];

const timeOf = (unixS: number) => new Date(Math.min(Math.max(unixS, firstS), lastS) * 1000);

/** @param badSignature what is answered when the key does not fit; other errors than jose's come back as they are */
export function assertionFailure(error: unknown, now: Date, badSignature: () => TokenError): unknown {
  const isTime =
    error instanceof errors.JWTExpired || (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf');
  if (isTime) {
    const { nbf, exp } = error.payload;
    return assertionTime(now, nbf === undefined ? undefined : timeOf(nbf), timeOf(exp ?? 0));
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return badSignature();
  return error instanceof errors.JOSEError ? malformedAssertion() : error;
}
