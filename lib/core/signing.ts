/**
 * The sign and verify functions of a session (sections 5.11 and 5.12).
 *
 * Rules that hold for all: NULL for the output asks for the length and asks nobody; too small a buffer is
 * CKR_BUFFER_TOO_SMALL; both keep the operation. Everything else ends it, whatever happens, because callers never clean
 * up: an operation left active would lock a web server's worker for good.
 */

import * as ck from '../pkcs11/constants.ts';
import { type Answer, type Mechanism, NOTHING, type Nothing, type Output } from './calls.ts';
import type { OperationPlace } from './operation-place.ts';
import { beginWithKey } from './operation-start.ts';
import { operationActive, operationNotInitialized, signatureInvalid, signatureLenRange } from './refusals.ts';
import type { Session } from './session.ts';
import {
  addPart,
  askForSignature,
  inputOfParts,
  inputOfWhole,
  isValid,
  lengthOnly,
  type SignatureOperation,
  type SignatureUse,
  signatureOperation,
  signatureRequest,
} from './signature-operation.ts';

type Place = OperationPlace<SignatureOperation>;

/**
 * C_SignInit (5.11.1). Replaces an operation that was left over. Codes: CKR_USER_NOT_LOGGED_IN, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
 * CKR_KEY_FUNCTION_NOT_PERMITTED; for a handle or key not read yet, also those of the HSM.
 */
export function signInit(session: Session, mechanism: Mechanism, key: number): Answer<Nothing> {
  return begin(session, session.signing, ck.CKA_SIGN, mechanism, key);
}

/** C_VerifyInit (5.12.1). As C_SignInit, but an active operation is CKR_OPERATION_ACTIVE. */
export function verifyInit(session: Session, mechanism: Mechanism, key: number): Answer<Nothing> {
  if (session.verifying.active !== undefined) throw operationActive('a verification');
  return begin(session, session.verifying, ck.CKA_VERIFY, mechanism, key);
}

function begin(session: Session, place: Place, use: SignatureUse, mechanism: Mechanism, key: number): Answer<Nothing> {
  return beginWithKey(session, place, key, () => {
    const request = signatureRequest(mechanism);
    return (access, object) => signatureOperation(access, object, use, request);
  });
}

function activeIn(place: Place, what: string): SignatureOperation {
  const operation = place.active;
  if (operation === undefined) throw operationNotInitialized(what);
  return operation;
}

/** For the functions that take all data at once: parts given before end the operation, CKR_OPERATION_NOT_INITIALIZED. */
function activeWithoutParts(place: Place, what: string): SignatureOperation {
  const operation = activeIn(place, what);
  if (operation.hasher === undefined) return operation;
  place.end();
  throw operationNotInitialized(`${what} in one part`);
}

/** C_Sign (5.11.2). CKR_OPERATION_NOT_INITIALIZED (also after C_SignUpdate), CKR_DATA_LEN_RANGE, and those of the HSM. */
export function sign(session: Session, data: Uint8Array, capacity: number | null): Answer<{ signature: Output }> {
  const operation = activeWithoutParts(session.signing, 'signature');
  const length = lengthOnly(capacity, operation.signatureBytes);
  if (length !== undefined) return { signature: length };
  session.signing.end();
  return askForSignature(operation, inputOfWhole(operation, data));
}

/** C_SignUpdate (5.11.3). Mechanisms that bring no hash are for C_Sign alone: CKR_OPERATION_NOT_INITIALIZED. */
export function signUpdate(session: Session, part: Uint8Array): Nothing {
  return update(session.signing, part, 'signature');
}

/** C_SignFinal (5.11.4). With no part before it, the signature is over the empty message. */
export function signFinal(session: Session, capacity: number | null): Answer<{ signature: Output }> {
  const operation = activeIn(session.signing, 'signature');
  const length = lengthOnly(capacity, operation.signatureBytes);
  if (length !== undefined) return { signature: length };
  session.signing.end();
  return askForSignature(operation, inputOfParts(operation));
}

function update(place: Place, part: Uint8Array, what: string): Nothing {
  const operation = activeIn(place, what);
  try {
    addPart(operation, part);
  } catch (error) {
    place.end();
    throw error;
  }
  return NOTHING;
}

function refuseLength(operation: SignatureOperation, length: number): void {
  if (length !== operation.signatureBytes) throw signatureLenRange(length, operation.signatureBytes);
}

/** C_Verify (5.12.2), with the public key and without the HSM. CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID. */
export function verify(session: Session, data: Uint8Array, signature: Uint8Array): Nothing {
  const operation = activeWithoutParts(session.verifying, 'verification');
  session.verifying.end();
  refuseLength(operation, signature.length);
  if (!isValid(operation, inputOfWhole(operation, data), signature)) throw signatureInvalid();
  return NOTHING;
}

/**
 * What C_Verify refuses by the operation and the length of the signature alone, in bytes: for data that comes in parts
 * because no frame holds it. CKR_OPERATION_NOT_INITIALIZED (also after C_VerifyUpdate), CKR_SIGNATURE_LEN_RANGE; both
 * end the operation. Else it is as it was.
 */
export function verifyWhole(session: Session, signatureLength: number): Nothing {
  const operation = activeWithoutParts(session.verifying, 'verification');
  if (signatureLength === operation.signatureBytes) return NOTHING;
  session.verifying.end();
  throw signatureLenRange(signatureLength, operation.signatureBytes);
}

/** C_VerifyUpdate (5.12.3). */
export function verifyUpdate(session: Session, part: Uint8Array): Nothing {
  return update(session.verifying, part, 'verification');
}

/** C_VerifyFinal (5.12.4). CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID. */
export function verifyFinal(session: Session, signature: Uint8Array): Nothing {
  const operation = activeIn(session.verifying, 'verification');
  session.verifying.end();
  refuseLength(operation, signature.length);
  if (!isValid(operation, inputOfParts(operation), signature)) throw signatureInvalid();
  return NOTHING;
}
