/** An active C_Encrypt or C_Decrypt operation (sections 5.8 and 5.9). RSA only, and in one part only. */

import * as ck from '../pkcs11/constants.ts';
import type { Mechanism } from './calls.ts';
import type { PublicKey } from './hsm.ts';
import type { KeyObject } from './key.ts';
import { keyForUse } from './key-use.ts';
import { oaepPadding, refuseParameter } from './mechanism-parameters.ts';
import { type EncryptionMechanism, mechanismFor } from './mechanisms.ts';
import { keyTypeInconsistent } from './refusals.ts';
import { type Padding, paddings } from './rsa-encryption.ts';
import type { TokenAccess } from './token-access.ts';

export interface EncryptionOperation {
  readonly access: TokenAccess;
  readonly keyName: string;
  readonly keyVersion: string;
  readonly publicKey: Extract<PublicKey, { kty: 'RSA' }>;
  readonly padding: Padding;
  /** Bytes of a ciphertext: the modulus. */
  readonly encryptedBytes: number;
  /** The longest plaintext. */
  readonly mostDataBytes: number;
}

/** What the caller asked for, checked as far as it can be without the key. */
export interface EncryptionRequest {
  readonly row: EncryptionMechanism;
  readonly padding: Padding;
}

/** CKR_MECHANISM_INVALID and CKR_MECHANISM_PARAM_INVALID come from here. */
export function encryptionRequest(mechanism: Mechanism): EncryptionRequest {
  const row = mechanismFor('encryption', mechanism.type);
  if (row.scheme === 'oaep') return { row, padding: oaepPadding(mechanism) };
  refuseParameter(mechanism);
  const [padding] = paddings.filter(({ scheme }) => scheme === row.scheme);
  if (padding === undefined) throw new Error(`no padding ${row.scheme}`);
  return { row, padding };
}

/** CKA_ENCRYPT of a public key or CKA_DECRYPT of a private one. */
export type EncryptionUse = typeof ck.CKA_ENCRYPT | typeof ck.CKA_DECRYPT;

/** The operation, with a key whose material was read. Codes as of `keyForUse`. */
export function encryptionOperation(
  access: TokenAccess,
  object: KeyObject,
  use: EncryptionUse,
  { row, padding }: EncryptionRequest,
): EncryptionOperation {
  const publicKey = keyForUse(object, use === ck.CKA_DECRYPT ? 'private' : 'public', use, row);
  if (publicKey.kty !== 'RSA') throw keyTypeInconsistent(row.type);
  const encryptedBytes = publicKey.modulus.length;
  return {
    access,
    keyName: object.key.name,
    keyVersion: object.key.versionId ?? '',
    publicKey,
    padding,
    encryptedBytes,
    mostDataBytes: encryptedBytes - padding.overheadBytes,
  };
}
