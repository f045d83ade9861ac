/** DigestInfo (RFC 8017, A.2.4), as callers of CKM_RSA_PKCS build it. */

import { equalBytes } from '../tags/values.ts';
import { type Hash, hashes } from './hashes.ts';

export interface DigestInfo {
  hash: Hash;
  digest: Uint8Array;
}

/**
 * The hash and digest of a DigestInfo of SHA-256, SHA-384 or SHA-512; undefined for anything else.
 *
 * Strict: the DER must be the one encoding with NULL parameters, whole and without a rest. RS256 and its kin make the
 * HSM build exactly these bytes again, so a signature never covers other bytes than the caller gave.
 */
export function parseDigestInfo(data: Uint8Array): DigestInfo | undefined {
  for (const hash of hashes) {
    const start = hash.digestInfoPrefix.length;
    if (data.length === start + hash.bytes && equalBytes(data.subarray(0, start), hash.digestInfoPrefix)) {
      return { hash, digest: data.subarray(start) };
    }
  }
  return undefined;
}
