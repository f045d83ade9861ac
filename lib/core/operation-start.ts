/** How an operation with a key begins, whatever it is for: the key is found, and read if nobody read it before. */

import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { type Answer, NOTHING, type Nothing } from './calls.ts';
import type { KeyObject } from './key.ts';
import type { OperationPlace } from './operation-place.ts';
import { keyHandleInvalid, notLoggedIn, sessionClosed } from './refusals.ts';
import type { Session } from './session.ts';
import type { TokenAccess } from './token-access.ts';

/** Makes the operation of a key whose material was read. */
export type OperationMaker<T> = (access: TokenAccess, object: KeyObject) => T;

/**
 * Puts an operation in its place, instead of one left over there. `prepare` checks what can be checked without the key.
 * CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, those of `prepare` and of what it gives; for a handle or key not read
 * yet, also those of the HSM.
 */
export function beginWithKey<T>(
  session: Session,
  place: OperationPlace<T>,
  key: number,
  prepare: () => OperationMaker<T>,
): Answer<Nothing> {
  const claim = place.claim();
  const access = session.token.requireAccess();
  const make = prepare();
  const object = access.keys.known(key);
  if (object?.key.material === undefined) return beginSlowly(session, place, claim, access, make, key);
  place.start(claim, make(access, object));
  return NOTHING;
}

async function beginSlowly<T>(
  session: Session,
  place: OperationPlace<T>,
  claim: number,
  access: TokenAccess,
  make: OperationMaker<T>,
  key: number,
): Promise<Nothing> {
  const operation = make(access, await keyObject(access, key));
  if (session.closed) throw sessionClosed(session.handle);
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
