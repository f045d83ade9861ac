/**
 * The encryption and decryption functions of a session (sections 5.8 and 5.9). Encryption is done here with the public
 * key, decryption in the HSM.
 *
 * The rules are those of signing: a length query asks nobody, and all but a length query and CKR_BUFFER_TOO_SMALL ends
 * the operation. How long a plaintext is shows only when it is there: the query tells the longest that fits the key, and
 * a buffer too short for the real one costs a second decryption.
 *
 * Whether a wrong padding may be told from another failure is the caller's to hide (RFC 8017, section 7.2.2), as with
 * every PKCS#11 module.
 */

import * as ck from '../pkcs11/constants.ts';
import { BufferTooSmall } from '../pkcs11/error.ts';
import type { Answer, Mechanism, Nothing, Output } from './calls.ts';
import {
  type EncryptionOperation,
  type EncryptionUse,
  encryptionOperation,
  encryptionRequest,
} from './encryption-operation.ts';
import type { OperationPlace } from './operation-place.ts';
import { beginWithKey } from './operation-start.ts';
import { dataLenRange, encryptedDataLenRange, operationActive, operationNotInitialized } from './refusals.ts';
import { encryptRsa } from './rsa-encryption.ts';
import type { Session } from './session.ts';
import { lengthOnly } from './signature-operation.ts';

type Place = OperationPlace<EncryptionOperation>;

function begin(session: Session, place: Place, use: EncryptionUse, mechanism: Mechanism, key: number): Answer<Nothing> {
  return beginWithKey(session, place, key, () => {
    const request = encryptionRequest(mechanism);
    return (access, object) => encryptionOperation(access, object, use, request);
  });
}

function activeIn(place: Place, what: string): EncryptionOperation {
  const operation = place.active;
  if (operation === undefined) throw operationNotInitialized(what);
  return operation;
}

/** C_EncryptInit (5.8.1). CKR_OPERATION_ACTIVE, and as C_DecryptInit. */
export function encryptInit(session: Session, mechanism: Mechanism, key: number): Answer<Nothing> {
  if (session.encrypting.active !== undefined) throw operationActive('an encryption');
  return begin(session, session.encrypting, ck.CKA_ENCRYPT, mechanism, key);
}

/** C_Encrypt (5.8.2). CKR_OPERATION_NOT_INITIALIZED, CKR_DATA_LEN_RANGE. */
export function encrypt(session: Session, data: Uint8Array, capacity: number | null): { encrypted: Output } {
  const operation = activeIn(session.encrypting, 'encryption');
  const length = lengthOnly(capacity, operation.encryptedBytes);
  if (length !== undefined) return { encrypted: length };
  session.encrypting.end();
  const { mostDataBytes, publicKey, padding } = operation;
  if (data.length > mostDataBytes) throw dataLenRange(data.length, `at most ${mostDataBytes} fit this key`);
  const bytes = encryptRsa(publicKey, padding, data);
  return { encrypted: { length: bytes.length, bytes } };
}

/**
 * C_DecryptInit (5.9.1). Replaces an operation that was left over, as C_SignInit does. Codes: CKR_USER_NOT_LOGGED_IN,
 * CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT,
 * CKR_KEY_SIZE_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED; for a handle or key not read yet, also those of the HSM.
 */
export function decryptInit(session: Session, mechanism: Mechanism, key: number): Answer<Nothing> {
  return begin(session, session.decrypting, ck.CKA_DECRYPT, mechanism, key);
}

/** C_Decrypt (5.9.2). CKR_OPERATION_NOT_INITIALIZED, CKR_ENCRYPTED_DATA_LEN_RANGE, and those of the HSM. */
export function decrypt(session: Session, encrypted: Uint8Array, capacity: number | null): Answer<{ data: Output }> {
  const operation = activeIn(session.decrypting, 'decryption');
  if (capacity === null) return { data: { length: operation.mostDataBytes, bytes: null } };
  const claim = session.decrypting.claim();
  const { encryptedBytes, access, keyName, keyVersion, padding } = operation;
  if (encrypted.length !== encryptedBytes) throw encryptedDataLenRange(encrypted.length, encryptedBytes);
  return access.identity.decrypt(keyName, keyVersion, padding.algorithm, encrypted).then((bytes) => {
    if (bytes.length <= capacity) return { data: { length: bytes.length, bytes } };
    session.decrypting.start(claim, operation);
    throw new BufferTooSmall(bytes.length);
  });
}
