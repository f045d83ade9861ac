/** The hash functions of the service and of C_Digest: one row each. */

import { createHash, type Hash as Hasher } from 'node:crypto';
import * as ck from '../pkcs11/constants.ts';
import type { SignatureAlgorithm } from './hsm.ts';

export interface Hash {
  readonly mechanism: number;
  /** Name for node:crypto. */
  readonly name: 'sha256' | 'sha384' | 'sha512';
  readonly bytes: number;
  /** CKG_ value of MGF1 with this hash. */
  readonly mgf: number;
  readonly pkcs1: SignatureAlgorithm;
  readonly pss: SignatureAlgorithm;
  /** DER of a DigestInfo up to the digest (RFC 8017, 9.2 note 1). */
  readonly digestInfoPrefix: Uint8Array;
}

const prefix = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

export const SHA256: Hash = {
  mechanism: ck.CKM_SHA256,
  name: 'sha256',
  bytes: 32,
  mgf: ck.CKG_MGF1_SHA256,
  pkcs1: 'RS256',
  pss: 'PS256',
  digestInfoPrefix: prefix('3031300d060960864801650304020105000420'),
};
export const SHA384: Hash = {
  mechanism: ck.CKM_SHA384,
  name: 'sha384',
  bytes: 48,
  mgf: ck.CKG_MGF1_SHA384,
  pkcs1: 'RS384',
  pss: 'PS384',
  digestInfoPrefix: prefix('3041300d060960864801650304020205000430'),
};
export const SHA512: Hash = {
  mechanism: ck.CKM_SHA512,
  name: 'sha512',
  bytes: 64,
  mgf: ck.CKG_MGF1_SHA512,
  pkcs1: 'RS512',
  pss: 'PS512',
  digestInfoPrefix: prefix('3051300d060960864801650304020305000440'),
};

export const hashes: readonly Hash[] = [SHA256, SHA384, SHA512];

export type { Hasher };

export function hasherOf(hash: Hash): Hasher {
  return createHash(hash.name);
}

export function digestOf(hash: Hash, data: Uint8Array): Uint8Array {
  return hasherOf(hash).update(data).digest();
}
