// EMSA-PSS over a digest the caller computed (RFC 8017 section 9.1); node:crypto offers PSS over messages alone.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/**
 * Encodes `digest` for an RSA key of `modulusBits`, MGF1 with the same hash and a salt as long as the digest
 * (RFC 7518 section 3.5).
 * @returns one block of the length of the modulus, ready for the raw RSA operation
 */
export function encodePss(hash: HashName, digest: Uint8Array, modulusBits: number): Buffer {
  const salt = randomBytes(digest.length);
  const emBytes = Math.ceil((modulusBits - 1) / 8);
  const h = hashOf(hash, digest, salt);
  const block = Buffer.alloc(emBytes - digest.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  xorInto(block, mgf1(hash, h, block.length));
  block[0] = (block[0] ?? 0) & topMask(modulusBits);
  const encoded = Buffer.concat([block, h, Buffer.from([0xbc])]);
  return Buffer.concat([Buffer.alloc(Math.ceil(modulusBits / 8) - emBytes), encoded]);
}

/** Whether `block` (the RSA public operation's result) is a PSS encoding of `digest`. */
export function isPssOf(hash: HashName, digest: Uint8Array, block: Uint8Array, modulusBits: number): boolean {
  const emBytes = Math.ceil((modulusBits - 1) / 8);
  const encoded = Buffer.from(block.subarray(block.length - emBytes));
  if (encoded[emBytes - 1] !== 0xbc) return false;
  const masked = encoded.subarray(0, emBytes - digest.length - 1);
  const h = encoded.subarray(masked.length, emBytes - 1);
  if (((masked[0] ?? 0) & ~topMask(modulusBits)) !== 0) return false;
  xorInto(masked, mgf1(hash, h, masked.length));
  masked[0] = (masked[0] ?? 0) & topMask(modulusBits);
  const separator = masked.length - digest.length - 1;
  if (masked[separator] !== 1 || masked.subarray(0, separator).some((byte) => byte !== 0)) return false;
  return timingSafeEqual(h, hashOf(hash, digest, masked.subarray(separator + 1)));
}

function hashOf(hash: HashName, digest: Uint8Array, salt: Uint8Array): Buffer {
  return createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
}

/** The encoded block is one bit shorter than the modulus. */
function topMask(modulusBits: number): number {
  return 0xff >> (8 * Math.ceil((modulusBits - 1) / 8) - (modulusBits - 1));
}

function mgf1(hash: HashName, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  const counter = Buffer.alloc(4);
  for (let i = 0, made = 0; made < length; i += 1) {
    counter.writeUInt32BE(i);
    const block = createHash(hash).update(seed).update(counter).digest();
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function xorInto(target: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < target.length; i += 1) target[i] = (target[i] ?? 0) ^ (mask[i] ?? 0);
}
