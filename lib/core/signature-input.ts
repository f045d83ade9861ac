/**
 * From what the caller gives to C_Sign and C_Verify to what the service signs (mechanisms specification 2.40: section 2.1
 * for RSA, 2.3 for ECDSA).
 */

import { type Curve, curves } from './curves.ts';
import { parseDigestInfo } from './digest-info.ts';
import type { Hash } from './hashes.ts';
import type { PublicKey, SignatureAlgorithm } from './hsm.ts';
import type { Scheme } from './mechanisms.ts';
import { dataLenRange } from './refusals.ts';

export interface SignatureInput {
  algorithm: SignatureAlgorithm;
  /** The digest, or for RSNULL the payload that is padded. */
  digest: Uint8Array;
}

/** Bytes that PKCS#1 v1.5 padding takes of a block (RFC 8017, 9.2). */
const PKCS1_OVERHEAD = 11;

/**
 * A digest as ECDSA on the curve takes it (FIPS 186-4, 6.4): its leftmost bits when it is longer than the order, and
 * with zeros in front when it is shorter than what the service expects, which leaves the number the same.
 * CKR_DATA_LEN_RANGE for P-521 and more than 64 bytes: the service takes no more than a SHA-512.
 */
export function fitDigest(curve: Curve, digest: Uint8Array): Uint8Array {
  const { digestBytes } = curve;
  if (digest.length === digestBytes) return digest;
  if (digest.length < digestBytes) {
    const padded = new Uint8Array(digestBytes);
    padded.set(digest, digestBytes - digest.length);
    return padded;
  }
  if (digestBytes * 8 < curve.bits) {
    throw dataLenRange(digest.length, `the HSM signs at most ${digestBytes} bytes with ${curve.name}`);
  }
  return digest.subarray(0, digestBytes);
}

function pkcs1Input(key: Extract<PublicKey, { kty: 'RSA' }>, data: Uint8Array): SignatureInput {
  const known = parseDigestInfo(data);
  if (known !== undefined) return { algorithm: known.hash.pkcs1, digest: known.digest };
  const most = key.modulus.length - PKCS1_OVERHEAD;
  if (data.length > most) throw dataLenRange(data.length, `PKCS #1 with this key takes at most ${most}`);
  return { algorithm: 'RSNULL', digest: data };
}

/**
 * What the service is asked to sign for `data`: the digest where `hash` is given (CKR_DATA_LEN_RANGE when its length is
 * not the hash's), else the payload of CKM_RSA_PKCS or the digest of any length of CKM_ECDSA.
 */
export function signatureInput(
  scheme: Scheme,
  hash: Hash | undefined,
  key: PublicKey,
  data: Uint8Array,
): SignatureInput {
  if (key.kty === 'EC') {
    const curve = curves[key.curve];
    return { algorithm: curve.algorithm, digest: fitDigest(curve, data) };
  }
  if (hash === undefined) return pkcs1Input(key, data);
  if (data.length !== hash.bytes) throw dataLenRange(data.length, `${hash.name} gives ${hash.bytes}`);
  return { algorithm: scheme === 'pss' ? hash.pss : hash.pkcs1, digest: data };
}
