/** For tests: decryption as a Managed HSM does it. */

import { constants, privateDecrypt } from 'node:crypto';
import { CKR_ENCRYPTED_DATA_INVALID } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { EncryptionAlgorithm } from './hsm.ts';
import type { StoredVersion } from './memory-signatures.ts';

const options = {
  RSA1_5: { padding: constants.RSA_PKCS1_PADDING },
  'RSA-OAEP': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
  'RSA-OAEP-256': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
};

/** CKR_ENCRYPTED_DATA_INVALID, as the REST client makes of the service's refusal. */
export function plaintextOf(key: StoredVersion, algorithm: EncryptionAlgorithm, encrypted: Uint8Array): Uint8Array {
  try {
    return Uint8Array.from(privateDecrypt({ key: key.privateKey, ...options[algorithm] }, encrypted));
  } catch {
    throw new Pkcs11Error(CKR_ENCRYPTED_DATA_INVALID, 'the ciphertext does not decrypt');
  }
}
