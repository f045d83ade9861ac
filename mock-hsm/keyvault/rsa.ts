// RSA over prepared inputs: the digest is the caller's, DigestInfo and PSS blocks are made here.
// The private operation is OpenSSL's: it blinds its input and exponentiates in constant time, so that its time tells
// nothing of the key. What is done here with BigInt and buffers is public: paddings, digests and signatures.
import { constants, type KeyObject, privateDecrypt, privateEncrypt, publicDecrypt, publicEncrypt } from 'node:crypto';
import type { EncryptionAlgorithm, SignatureAlgorithm } from './algorithms.ts';
import { encodePss, type HashName, isPssOf } from './pss.ts';

/** DER of DigestInfo up to the digest (RFC 8017 section 9.2, note 1). */
const digestInfoPrefix: Partial<Record<HashName, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
};

const modulusBitsOf = (key: KeyObject) => key.asymmetricKeyDetails?.modulusLength ?? 0;

/** Signs a digest (RS*, PS*) or the caller's bytes (RSNULL). @returns a signature as long as the modulus */
export function signRsa(algorithm: SignatureAlgorithm, key: KeyObject, value: Buffer): Buffer {
  if (algorithm.padding === 'pss' && algorithm.hash !== undefined) {
    const block = encodePss(algorithm.hash, value, modulusBitsOf(key));
    return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
  }
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, pkcs1Payload(algorithm, value));
}

/** Whether `signature` fits; a malformed one is false, not an error. */
export function verifyRsa(algorithm: SignatureAlgorithm, key: KeyObject, value: Buffer, signature: Buffer): boolean {
  // RFC 8017 section 8: a signature whose leading zero is left out is none, though it is the same number.
  if (signature.length !== modulusBitsOf(key) / 8) return false;
  try {
    if (algorithm.padding === 'pss' && algorithm.hash !== undefined) {
      const block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
      return isPssOf(algorithm.hash, value, block, modulusBitsOf(key));
    }
    const payload = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return payload.equals(pkcs1Payload(algorithm, value));
  } catch {
    return false;
  }
}

function pkcs1Payload(algorithm: SignatureAlgorithm, value: Buffer): Buffer {
  const prefix = algorithm.hash === undefined ? undefined : digestInfoPrefix[algorithm.hash];
  return prefix === undefined ? value : Buffer.concat([prefix, value]);
}

export function encryptRsa(algorithm: EncryptionAlgorithm, key: KeyObject, value: Buffer): Buffer {
  return publicEncrypt(paddingOf(algorithm, key), value);
}

/** Throws when the padding is wrong (RSA1_5: OpenSSL answers random bytes instead, so that padding is no oracle). */
export function decryptRsa(algorithm: EncryptionAlgorithm, key: KeyObject, value: Buffer): Buffer {
  return privateDecrypt(paddingOf(algorithm, key), value);
}

function paddingOf({ mode, hash }: EncryptionAlgorithm, key: KeyObject) {
  return mode === 'oaep'
    ? { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash ?? 'sha1' }
    : { key, padding: constants.RSA_PKCS1_PADDING };
}
