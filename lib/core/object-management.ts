/** The functions that work on one object (section 5.7). */

import { type AttributeAnswer, objectSize, readAttributes } from './attribute-reading.ts';
import { type Attribute, type AttributeQuery, NOTHING, type Nothing } from './calls.ts';
import { setAttributes } from './key-changes.ts';
import { actionProhibited, creationNotSupported, objectHandleInvalid, sessionReadOnly } from './refusals.ts';
import type { Session } from './session.ts';
import type { TokenAccess, TokenObject } from './token-access.ts';

interface Found {
  access: TokenAccess;
  object: TokenObject;
}

/** CKR_OBJECT_HANDLE_INVALID when nobody has the handle, or nothing can be seen before the login. */
async function find(session: Session, handle: number): Promise<Found> {
  const { access } = session.token;
  const object = access?.known(handle) ?? (await access?.resolve(handle));
  if (access === undefined || object === undefined) throw objectHandleInvalid(handle);
  return { access, object };
}

/** C_GetAttributeValue (5.7.5); `rv` in the answer is the code (see attribute-reading.ts). */
export async function getAttributeValue(
  session: Session,
  handle: number,
  queries: readonly AttributeQuery[],
): Promise<AttributeAnswer> {
  const { access, object } = await find(session, handle);
  // Lets a list that is out of date be read again behind this call's back.
  access.keys.refresh().catch(() => undefined);
  return readAttributes(access, object, queries);
}

/** C_GetObjectSize (5.7.4), in bytes. */
export async function getObjectSize(session: Session, handle: number): Promise<{ size: number }> {
  const { access, object } = await find(session, handle);
  return { size: await objectSize(access, object) };
}

/** C_SetAttributeValue (5.7.6). CKR_SESSION_READ_ONLY, CKR_ACTION_PROHIBITED for certificates; else see key-changes.ts. */
export async function setAttributeValue(
  session: Session,
  handle: number,
  template: readonly Attribute[],
): Promise<Nothing> {
  const { access, object } = await find(session, handle);
  if (!session.isReadWrite) throw sessionReadOnly();
  if (object.kind === 'certificate') throw actionProhibited('certificates come from the configuration');
  await setAttributes(access, object, template);
  return NOTHING;
}

/** C_CreateObject (5.7.1). CKR_FUNCTION_NOT_SUPPORTED, whatever the template. */
export function createObject(_session: Session): never {
  throw creationNotSupported();
}

/** C_CopyObject (5.7.2) is never possible: CKA_COPYABLE is false. CKR_OBJECT_HANDLE_INVALID, CKR_ACTION_PROHIBITED. */
export async function copyObject(session: Session, handle: number): Promise<never> {
  await find(session, handle);
  throw actionProhibited('objects of an HSM cannot be copied');
}

/**
 * C_DestroyObject (5.7.3): soft delete of the key with all its versions, through its private object, where the
 * configuration allows it. CKR_OBJECT_HANDLE_INVALID, CKR_SESSION_READ_ONLY, CKR_ACTION_PROHIBITED.
 */
export async function destroyObject(session: Session, handle: number): Promise<Nothing> {
  const { access, object } = await find(session, handle);
  if (!session.isReadWrite) throw sessionReadOnly();
  if (object.kind === 'certificate') throw actionProhibited('certificates come from the configuration');
  if (object.kind === 'public') throw actionProhibited('a public key goes with its private key, not by itself');
  if (!access.isDestroyable(object)) throw actionProhibited('the configuration does not allow to delete keys');
  await access.identity.deleteKey(object.key.name);
  access.keys.remove(object.key.name);
  return NOTHING;
}
