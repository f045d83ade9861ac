// How a key travels: wrapped for an RSA key, in the JSON that Microsoft's tools read. The same form leaves the pool by
// release and enters it by import of a key that the customer brings (key_hsm).
import {
  constants,
  createCipheriv,
  createDecipheriv,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { z } from 'zod';

/** Mechanism → hash of the OAEP that wraps the ephemeral AES key (PKCS#11's CKM_RSA_AES_KEY_WRAP fixes SHA-1 here). */
const oaepHashes = {
  CKM_RSA_AES_KEY_WRAP: 'sha1',
  RSA_AES_KEY_WRAP_256: 'sha256',
  RSA_AES_KEY_WRAP_384: 'sha384',
} as const;

export type TransferMechanism = keyof typeof oaepHashes;

export const transferMechanisms = Object.keys(oaepHashes) as [TransferMechanism, ...TransferMechanism[]];

/** Alternative initial value of RFC 5649 section 3. */
const keyWrapPadIv = Buffer.from('a65959a6', 'hex');
const aesKeyBytes = 32;

/**
 * Wraps a key for the holder of an RSA key: RSA-OAEP over a fresh AES key, then AES key wrap with padding (RFC 5649).
 * @param secret PKCS#8 DER, or the raw bytes of a symmetric key
 * @returns both ciphertexts, one after the other
 */
export function wrapForTransfer(mechanism: TransferMechanism, recipient: KeyObject, secret: Buffer): Buffer {
  const aesKey = randomBytes(aesKeyBytes);
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[mechanism] };
  const cipher = createCipheriv('id-aes256-wrap-pad', aesKey, keyWrapPadIv);
  return Buffer.concat([publicEncrypt({ key: recipient, ...oaep }, aesKey), cipher.update(secret), cipher.final()]);
}

/** The reverse of `wrapForTransfer`, with the private key. Throws when anything does not fit. */
export function unwrapTransferred(mechanism: TransferMechanism, key: KeyObject, wrapped: Buffer): Buffer {
  const modulusBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[mechanism] };
  const aesKey = privateDecrypt({ key, ...oaep }, wrapped.subarray(0, modulusBytes));
  const decipher = createDecipheriv('id-aes256-wrap-pad', aesKey, keyWrapPadIv);
  return Buffer.concat([decipher.update(wrapped.subarray(modulusBytes)), decipher.final()]);
}

const blobShape = z.object({
  schema_version: z.string(),
  header: z.object({ kid: z.string(), alg: z.literal('dir'), enc: z.enum(transferMechanisms) }),
  ciphertext: z.string().regex(/^[A-Za-z0-9_-]+={0,2}$/),
});

export interface TransferBlob {
  /** Names the RSA key that the ciphertext is for. */
  readonly kid: string;
  readonly enc: TransferMechanism;
  readonly ciphertext: Buffer;
}

/** The value of a released key's `key_hsm`: base64url of the JSON around a ciphertext, as a recorded pool writes it. */
export function encodeTransfer({ kid, enc, ciphertext }: TransferBlob): string {
  const blob = {
    ciphertext: ciphertext.toString('base64url'),
    header: { alg: 'dir', enc, kid },
    schema_version: '1.0',
  };
  return Buffer.from(JSON.stringify(blob)).toString('base64url');
}

/** Reads a `key_hsm` member, or undefined when it has another form. */
export function decodeTransfer(text: string): TransferBlob | undefined {
  try {
    const { header, ciphertext } = blobShape.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return { kid: header.kid, enc: header.enc, ciphertext: Buffer.from(ciphertext, 'base64url') };
  } catch {
    return undefined;
  }
}
