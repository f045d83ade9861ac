// AES modes of oct-HSM keys.
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { EncryptionAlgorithm } from './algorithms.ts';

export interface CipherInput {
  readonly value: Buffer;
  readonly iv?: Buffer | undefined;
  readonly aad?: Buffer | undefined;
  readonly tag?: Buffer | undefined;
}

export interface CipherOutput {
  readonly value: Buffer;
  readonly iv?: Buffer;
  readonly tag?: Buffer;
}

const gcmIvBytes = 12;
/** Default initial value of RFC 3394 section 2.2.3.1. */
const keyWrapIv = Buffer.alloc(8, 0xa6);
/** Alternative initial value of RFC 5649 section 3. */
const keyWrapPadIv = Buffer.from('a65959a6', 'hex');
const noIv = Buffer.alloc(0);

/** GCM draws its own iv and answers it with the tag; CBC takes the caller's (16 bytes) and answers it, too. */
export function encryptAes(algorithm: EncryptionAlgorithm, key: KeyObject, input: CipherInput): CipherOutput {
  const bits = algorithm.keyBits ?? 0;
  if (algorithm.mode === 'gcm') {
    const iv = randomBytes(gcmIvBytes);
    const cipher = createCipheriv(`aes-${bits}-gcm` as 'aes-256-gcm', key, iv);
    if (input.aad !== undefined) cipher.setAAD(input.aad);
    const value = Buffer.concat([cipher.update(input.value), cipher.final()]);
    return { value, iv, tag: cipher.getAuthTag() };
  }
  const cipher = createCipheriv(cipherName(algorithm), key, ivOf(algorithm, input));
  if (algorithm.mode === 'cbc') cipher.setAutoPadding(false);
  const value = Buffer.concat([cipher.update(input.value), cipher.final()]);
  return isKeyWrap(algorithm) || input.iv === undefined ? { value } : { value, iv: input.iv };
}

/** Throws when tag, padding or the wrapped key's check value is wrong. */
export function decryptAes(algorithm: EncryptionAlgorithm, key: KeyObject, input: CipherInput): CipherOutput {
  if (algorithm.mode === 'gcm') {
    const name = `aes-${algorithm.keyBits}-gcm` as 'aes-256-gcm';
    const decipher = createDecipheriv(name, key, input.iv ?? noIv, { authTagLength: 16 });
    if (input.aad !== undefined) decipher.setAAD(input.aad);
    decipher.setAuthTag(input.tag ?? noIv);
    return { value: Buffer.concat([decipher.update(input.value), decipher.final()]) };
  }
  const decipher = createDecipheriv(cipherName(algorithm), key, ivOf(algorithm, input));
  if (algorithm.mode === 'cbc') decipher.setAutoPadding(false);
  return { value: Buffer.concat([decipher.update(input.value), decipher.final()]) };
}

function cipherName({ mode, keyBits }: EncryptionAlgorithm): string {
  if (mode === 'kwp') return `id-aes${keyBits}-wrap-pad`;
  return mode === 'kw' ? `id-aes${keyBits}-wrap` : `aes-${keyBits}-cbc`;
}

const isKeyWrap = ({ mode }: EncryptionAlgorithm) => mode === 'kw' || mode === 'kwp';

function ivOf({ mode }: EncryptionAlgorithm, input: CipherInput): Buffer {
  if (mode === 'kwp') return keyWrapPadIv;
  return mode === 'kw' ? keyWrapIv : (input.iv ?? noIv);
}
