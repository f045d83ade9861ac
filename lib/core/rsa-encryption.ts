/** The encryption algorithms of the service, one row each, and their public half, which needs no HSM. */

import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import * as ck from '../pkcs11/constants.ts';
import type { EncryptionAlgorithm, PublicKey } from './hsm.ts';

type RsaPublicKey = Extract<PublicKey, { kty: 'RSA' }>;

export interface Padding {
  readonly algorithm: EncryptionAlgorithm;
  readonly scheme: 'pkcs1' | 'oaep';
  /** Bytes of the modulus that the padding takes (RFC 8017, 7.1.1 and 7.2.1). */
  readonly overheadBytes: number;
  /** OAEP: the hash, which is also MGF1's. */
  readonly hash?: { readonly mechanism: number; readonly name: string; readonly mgf: number };
}

export const paddings: readonly Padding[] = [
  { algorithm: 'RSA1_5', scheme: 'pkcs1', overheadBytes: 11 },
  {
    algorithm: 'RSA-OAEP',
    scheme: 'oaep',
    overheadBytes: 42,
    hash: { mechanism: ck.CKM_SHA_1, name: 'sha1', mgf: ck.CKG_MGF1_SHA1 },
  },
  {
    algorithm: 'RSA-OAEP-256',
    scheme: 'oaep',
    overheadBytes: 66,
    hash: { mechanism: ck.CKM_SHA256, name: 'sha256', mgf: ck.CKG_MGF1_SHA256 },
  },
];

/** Encrypts at most `modulus - overheadBytes` bytes; the result is as long as the modulus. */
export function encryptRsa({ modulus, exponent }: RsaPublicKey, { hash }: Padding, data: Uint8Array): Uint8Array {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const key = createPublicKey({ key: { kty: 'RSA', n: text(modulus), e: text(exponent) }, format: 'jwk' });
  if (hash === undefined) return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data);
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash.name }, data);
}
