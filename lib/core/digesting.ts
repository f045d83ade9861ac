/** The digest functions of a session (section 5.10). */

import { type Mechanism, NOTHING, type Nothing, type Output } from './calls.ts';
import { type DigestOperation, digestOperation } from './digest-operation.ts';
import { operationActive, operationNotInitialized } from './refusals.ts';
import type { Session } from './session.ts';
import { lengthOnly } from './signature-operation.ts';

function active(session: Session): DigestOperation {
  const operation = session.digesting.active;
  if (operation === undefined) throw operationNotInitialized('digest');
  return operation;
}

/** C_DigestInit (5.10.1). CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID. */
export function digestInit(session: Session, mechanism: Mechanism): Nothing {
  if (session.digesting.active !== undefined) throw operationActive('a digest');
  session.digesting.start(session.digesting.claim(), digestOperation(mechanism));
  return NOTHING;
}

function finish(session: Session, operation: DigestOperation): { digest: Output } {
  session.digesting.end();
  const bytes = operation.hasher.digest();
  return { digest: { length: bytes.length, bytes } };
}

/** C_Digest (5.10.2). CKR_OPERATION_NOT_INITIALIZED, also after C_DigestUpdate, which ends the operation. */
export function digest(session: Session, data: Uint8Array, capacity: number | null): { digest: Output } {
  const operation = active(session);
  if (operation.hasParts) {
    session.digesting.end();
    throw operationNotInitialized('digest in one part');
  }
  const length = lengthOnly(capacity, operation.hash.bytes);
  if (length !== undefined) return { digest: length };
  operation.hasher.update(data);
  return finish(session, operation);
}

/** C_DigestUpdate (5.10.3). */
export function digestUpdate(session: Session, part: Uint8Array): Nothing {
  const operation = active(session);
  operation.hasParts = true;
  operation.hasher.update(part);
  return NOTHING;
}

/** C_DigestFinal (5.10.5). */
export function digestFinal(session: Session, capacity: number | null): { digest: Output } {
  const operation = active(session);
  const length = lengthOnly(capacity, operation.hash.bytes);
  return length === undefined ? finish(session, operation) : { digest: length };
}
