/** RSA with the public exponent (RFC 8017): only public numbers, so that timing tells nothing. */

import { equalBytes } from '../tags/values.ts';
import { concat } from './der.ts';
import { digestOf, type Hash } from './hashes.ts';
import type { PublicKey } from './hsm.ts';
import { sizeInBits } from './public-key.ts';

type RsaPublicKey = Extract<PublicKey, { kty: 'RSA' }>;

export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function toBytes(number: bigint, length: number): Uint8Array {
  return Uint8Array.from(Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex'));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The block inside a signature (RSAVP1), as long as the modulus; undefined when the signature is out of range. */
export function openRsa(key: RsaPublicKey, signature: Uint8Array): Uint8Array | undefined {
  const modulus = toNumber(key.modulus);
  const number = toNumber(signature);
  if (number >= modulus) return undefined;
  return toBytes(power(number, toNumber(key.exponent), modulus), key.modulus.length);
}

/** EMSA-PKCS1-v1_5 (9.2): the DigestInfo of the hash, or with no hash the payload as it is. */
export function pkcs1Block(length: number, hash: Hash | undefined, payload: Uint8Array): Uint8Array {
  const content = hash === undefined ? payload : concat(hash.digestInfoPrefix, payload);
  const block = new Uint8Array(length).fill(0xff);
  block[0] = 0;
  block[1] = 1;
  block[length - content.length - 1] = 0;
  block.set(content, length - content.length);
  return block;
}

function mgf1(hash: Hash, seed: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let counter = 0; counter * hash.bytes < length; counter += 1) {
    const suffix = new Uint8Array(4);
    new DataView(suffix.buffer).setUint32(0, counter);
    parts.push(digestOf(hash, concat(seed, suffix)));
  }
  return concat(...parts).subarray(0, length);
}

/** EMSA-PSS-VERIFY (9.1.2) with a salt as long as the hash. */
export function verifiesPss(hash: Hash, key: RsaPublicKey, block: Uint8Array, digest: Uint8Array): boolean {
  const emBits = sizeInBits(key) - 1;
  const emBytes = Math.ceil(emBits / 8);
  if (block.subarray(0, block.length - emBytes).some((byte) => byte !== 0)) return false;
  const em = block.subarray(block.length - emBytes);
  const maskedLength = emBytes - hash.bytes - 1;
  if (maskedLength < hash.bytes + 1 || em[emBytes - 1] !== 0xbc) return false;
  const top = 0xff >> (8 * emBytes - emBits);
  if (((em[0] ?? 0) & ~top) !== 0) return false;
  const h = em.subarray(maskedLength, maskedLength + hash.bytes);
  const mask = mgf1(hash, h, maskedLength);
  const db = em.subarray(0, maskedLength).map((byte, i) => byte ^ (mask[i] ?? 0));
  db[0] = (db[0] ?? 0) & top;
  const saltStart = maskedLength - hash.bytes;
  if (db[saltStart - 1] !== 1 || db.subarray(0, saltStart - 1).some((byte) => byte !== 0)) return false;
  return equalBytes(h, digestOf(hash, concat(new Uint8Array(8), digest, db.subarray(saltStart))));
}
