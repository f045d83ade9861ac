// Encrypts key material and secrets at rest. The key lies beside the data, so this keeps a copied database file
// from being useful by itself; it is no protection against whoever can read the whole folder.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ivBytes = 12;
const tagBytes = 16;

/** Authenticated encryption under the data folder's master key. */
export interface Seal {
  /** Encrypts `plain`; `context` (for example a version id) must be given again to open. Returns base64url. */
  close(plain: Uint8Array, context: string): string;
  /** Decrypts what `close` made. Throws when the text, the context or the master key is another one. */
  open(sealed: string, context: string): Buffer;
}

/** AES-256-GCM under `masterKey` (32 bytes), with a random 96-bit iv in front and the tag behind it. */
export function createSeal(masterKey: Uint8Array): Seal {
  return {
    close(plain, context) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', masterKey, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < ivBytes + tagBytes) throw new Error(`sealed value for ${context} is truncated`);
      const decipher = createDecipheriv('aes-256-gcm', masterKey, bytes.subarray(0, ivBytes))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
    },
  };
}
