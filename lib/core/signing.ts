/**
 * The sign and verify functions of a session (sections 11.11 and 11.12).
 *
 * Rules that hold for all: NULL for the output asks for the length and asks nobody; too small a buffer is
 * CKR_BUFFER_TOO_SMALL; both keep the operation. Everything else ends it, whatever happens, because callers never clean
 * up: an operation left active would lock a web server's worker for good.
 */

import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { type Answer, type Mechanism, NOTHING, type Nothing, type Output } from './calls.ts';
import type { KeyObject } from './key.ts';
import type { OperationPlace } from './operation-place.ts';
import {
  keyHandleInvalid,
  notLoggedIn,
  operationActive,
  operationNotInitialized,
  sessionHandleInvalid,
  signatureInvalid,
  signatureLenRange,
} from './refusals.ts';
import type { Session } from './session.ts';
import {
  addPart,
  askForSignature,
  inputOfParts,
  inputOfWhole,
  isValid,
  lengthOnly,
  type SignatureOperation,
  type SignatureRequest,
  type SignatureUse,
  signatureOperation,
  signatureRequest,
} from './signature-operation.ts';
import type { TokenAccess } from './token-access.ts';

type Place = OperationPlace<SignatureOperation>;

/**
 * C_SignInit. Replaces an operation that was left over. Codes: CKR_USER_NOT_LOGGED_IN, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
 * CKR_KEY_FUNCTION_NOT_PERMITTED; for a handle or key not read yet, also those of the HSM.
 */
export function signInit(session: Session, mechanism: Mechanism, key: number): Answer<Nothing> {
  return begin(session, session.signing, ck.CKA_SIGN, mechanism, key);
}

/** C_VerifyInit. As C_SignInit, but an active operation is CKR_OPERATION_ACTIVE. */
export function verifyInit(session: Session, mechanism: Mechanism, key: number): Answer<Nothing> {
  if (session.verifying.active !== undefined) throw operationActive('a verification');
  return begin(session, session.verifying, ck.CKA_VERIFY, mechanism, key);
}

function begin(session: Session, place: Place, use: SignatureUse, mechanism: Mechanism, key: number): Answer<Nothing> {
  const claim = place.claim();
  const access = session.token.requireAccess();
  const request = signatureRequest(mechanism);
  const object = access.keys.known(key);
  if (object?.key.material === undefined) return beginSlowly(session, place, claim, access, use, request, key);
  place.start(claim, signatureOperation(access, object, use, request));
  return NOTHING;
}

async function beginSlowly(
  session: Session,
  place: Place,
  claim: number,
  access: TokenAccess,
  use: SignatureUse,
  request: SignatureRequest,
  key: number,
): Promise<Nothing> {
  const object = await keyObject(access, key);
  const operation = signatureOperation(access, object, use, request);
  if (session.closed) throw sessionHandleInvalid(session.handle);
  if (session.token.access !== access) throw notLoggedIn();
  place.start(claim, operation);
  return NOTHING;
}

/** The key object of a handle, with its material. */
async function keyObject(access: TokenAccess, handle: number): Promise<KeyObject> {
  const object = await access.resolve(handle);
  if (object === undefined || object.kind === 'certificate') throw keyHandleInvalid(handle);
  try {
    await access.keys.read(object.key);
  } catch (error) {
    const isGone = error instanceof Pkcs11Error && error.rv === ck.CKR_OBJECT_HANDLE_INVALID;
    throw isGone ? keyHandleInvalid(handle) : error;
  }
  return object;
}

function activeIn(place: Place, what: string): SignatureOperation {
  const operation = place.active;
  if (operation === undefined) throw operationNotInitialized(what);
  return operation;
}

/** C_Sign. CKR_OPERATION_NOT_INITIALIZED (also after C_SignUpdate), CKR_DATA_LEN_RANGE, and those of the HSM. */
export function sign(session: Session, data: Uint8Array, capacity: number | null): Answer<{ signature: Output }> {
  const operation = activeIn(session.signing, 'signature');
  const length = lengthOnly(capacity, operation.signatureBytes);
  if (length !== undefined) return { signature: length };
  session.signing.end();
  return askForSignature(operation, inputOfWhole(operation, data));
}

/** C_SignUpdate. Mechanisms that bring no hash are for C_Sign alone: CKR_OPERATION_NOT_INITIALIZED. */
export function signUpdate(session: Session, part: Uint8Array): Nothing {
  return update(session.signing, part, 'signature');
}

/** C_SignFinal. With no part before it, the signature is over the empty message. */
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

function refuseLength(operation: SignatureOperation, signature: Uint8Array): void {
  if (signature.length !== operation.signatureBytes) {
    throw signatureLenRange(signature.length, operation.signatureBytes);
  }
}

/** C_Verify, with the public key and without the HSM. CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID. */
export function verify(session: Session, data: Uint8Array, signature: Uint8Array): Nothing {
  const operation = activeIn(session.verifying, 'verification');
  session.verifying.end();
  refuseLength(operation, signature);
  if (!isValid(operation, inputOfWhole(operation, data), signature)) throw signatureInvalid();
  return NOTHING;
}

/** C_VerifyUpdate. */
export function verifyUpdate(session: Session, part: Uint8Array): Nothing {
  return update(session.verifying, part, 'verification');
}

/** C_VerifyFinal. CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID. */
export function verifyFinal(session: Session, signature: Uint8Array): Nothing {
  const operation = activeIn(session.verifying, 'verification');
  session.verifying.end();
  refuseLength(operation, signature);
  if (!isValid(operation, inputOfParts(operation), signature)) throw signatureInvalid();
  return NOTHING;
}
