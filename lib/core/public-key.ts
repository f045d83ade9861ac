/** What PKCS#11 and X.509 make of a public key. */

import { createHash } from 'node:crypto';
import { CKK_EC, CKK_RSA } from '../pkcs11/constants.ts';
import { curves } from './curves.ts';
import { concat, der, derBitString, derInteger, TAG } from './der.ts';
import type { PublicKey } from './hsm.ts';

const RSA_ALGORITHM = Uint8Array.from(Buffer.from('300d06092a864886f70d0101010500', 'hex'));
const EC_PUBLIC_KEY_OID = Uint8Array.from(Buffer.from('06072a8648ce3d0201', 'hex'));

/** CKK_RSA or CKK_EC. */
export function keyTypeOf(key: PublicKey): number {
  return key.kty === 'RSA' ? CKK_RSA : CKK_EC;
}

/** Bits of the modulus or of the curve. */
export function sizeInBits(key: PublicKey): number {
  if (key.kty === 'EC') return curves[key.curve].bits;
  const top = key.modulus[0] ?? 0;
  return key.modulus.length * 8 - Math.clz32(top) + 24;
}

/** Bytes of a signature as PKCS#11 gives it: the modulus, or r and s side by side. */
export function signatureBytes(key: PublicKey): number {
  return key.kty === 'RSA' ? key.modulus.length : 2 * curves[key.curve].fieldBytes;
}

/** The uncompressed point 04 | x | y. */
function pointOf(key: Extract<PublicKey, { kty: 'EC' }>): Uint8Array {
  return concat(Uint8Array.of(4), key.x, key.y);
}

/** CKA_EC_POINT: DER OCTET STRING of the uncompressed point. */
export function ecPoint(key: Extract<PublicKey, { kty: 'EC' }>): Uint8Array {
  return der(TAG.octetString, pointOf(key));
}

/** What the BIT STRING of a SubjectPublicKeyInfo holds. */
function keyBits(key: PublicKey): Uint8Array {
  return key.kty === 'RSA' ? der(TAG.sequence, derInteger(key.modulus), derInteger(key.exponent)) : pointOf(key);
}

/** DER SubjectPublicKeyInfo (RFC 5280): CKA_PUBLIC_KEY_INFO. */
export function publicKeyInfo(key: PublicKey): Uint8Array {
  const algorithm = key.kty === 'RSA' ? RSA_ALGORITHM : der(TAG.sequence, EC_PUBLIC_KEY_OID, curves[key.curve].oid);
  return der(TAG.sequence, algorithm, derBitString(keyBits(key)));
}

/**
 * The CKA_ID of a key that has none in its tags: SHA-1 of the bits in its SubjectPublicKeyInfo (for EC the uncompressed
 * point), 20 bytes. It is the subject key identifier of RFC 5280, 4.2.1.2 (1), as most certificates carry it.
 */
export function keyIdentifier(key: PublicKey): Uint8Array {
  return sha1(keyBits(key));
}

export function sha1(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha1').update(bytes).digest());
}
