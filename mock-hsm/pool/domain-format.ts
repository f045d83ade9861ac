// The JSON of a security domain, as Microsoft's tools read and write it: data under a master key, and the master key
// either in shares for the owners (download) or wrapped for the pool's transfer key (upload).
import { createHmac, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import { badParameter } from '../service-error.ts';
import { splitSecret } from './shamir.ts';

const contentEncryption = 'A256CBC-HS512';
const keyEncryption = 'RSA-OAEP-256';
const kdf = 'sp108_kdf';
const masterKeyBytes = 32;
const derivedBits = 512;

/** Name of the one item in the data: the key that backups are encrypted under. */
const itemTag = 'backup-key';

const ownerShape = z.object({ 'x5t#S256': z.string(), x5c: z.array(z.string()).min(1), kty: z.literal('RSA') });

export const certificateInfoBody = z.object({
  certificates: z.array(ownerShape).min(3).max(10),
  required: z.int().min(2).max(10),
});

export type CertificateInfo = z.output<typeof certificateInfoBody>;

const item = z.object({ compact_jwe: z.string(), tag: z.string() });

const uploadShape = z.object({
  EncData: z.object({ data: z.array(item), kdf: z.literal(kdf) }),
  WrappedKey: z.object({ enc_key: z.string(), x5t_256: z.string() }),
});

/** The domain for its owners; any `required` of them can put it together. Throws BadParameter for wrong certificates. */
export async function encodeDomain(secret: Uint8Array, { certificates, required }: CertificateInfo): Promise<string> {
  if (required > certificates.length) {
    throw badParameter(`required is ${required}, but there are only ${certificates.length} certificates`);
  }
  const owners = certificates.map(ownerOf);
  const masterKey = randomBytes(masterKeyBytes);
  const shares = splitSecret(masterKey, owners.length, required);
  const encShares = owners.map(async ({ key, thumbprint }, index) => ({
    enc_key: await encrypt(shares[index] ?? Buffer.alloc(0), { alg: keyEncryption }, key),
    x5t_256: thumbprint,
  }));
  const header = { alg: 'dir', kid: itemTag };
  const data = [{ compact_jwe: await encrypt(secret, header, deriveKey(masterKey, itemTag)), tag: itemTag }];
  return JSON.stringify({
    EncData: { data, kdf },
    SharedKeys: { enc_shares: await Promise.all(encShares), key_algorithm: 'shamir_share', required },
    version: 2,
  });
}

/** The secret in an upload. @param transferKey private key of the pool. Throws BadParameter when it is not for us. */
export async function decodeUpload(text: string, transferKey: KeyObject): Promise<Buffer> {
  try {
    const { EncData, WrappedKey } = uploadShape.parse(JSON.parse(text));
    const wrapped = await compactDecrypt(WrappedKey.enc_key, transferKey, {
      keyManagementAlgorithms: [keyEncryption],
      contentEncryptionAlgorithms: [contentEncryption],
    });
    const found = EncData.data.find(({ tag }) => tag === itemTag);
    if (found === undefined) throw new Error(`no item ${itemTag}`);
    const { plaintext } = await compactDecrypt(found.compact_jwe, deriveKey(wrapped.plaintext, itemTag));
    if (plaintext.length !== masterKeyBytes) throw new Error('wrong length');
    return Buffer.from(plaintext);
  } catch {
    throw badParameter('The security domain is malformed, or not encrypted for this pool’s transfer key');
  }
}

/** HMAC-SHA-512 in counter mode (NIST SP 800-108), one block of 512 bits, with an empty context. */
export function deriveKey(masterKey: Uint8Array, label: string): Buffer {
  const [counter, length] = [Buffer.alloc(4), Buffer.alloc(4)];
  counter.writeUInt32BE(1);
  length.writeUInt32BE(derivedBits);
  return createHmac('sha512', masterKey).update(counter).update(label).update(Buffer.alloc(1)).update(length).digest();
}

const encrypt = (plain: Uint8Array, header: { alg: string; kid?: string }, key: KeyObject | Uint8Array) =>
  new CompactEncrypt(plain).setProtectedHeader({ ...header, enc: contentEncryption }).encrypt(key);

function ownerOf(certificate: z.output<typeof ownerShape>): { key: KeyObject; thumbprint: string } {
  const thumbprint = certificate['x5t#S256'];
  try {
    const x509 = new X509Certificate(Buffer.from(certificate.x5c[0] ?? '', 'base64'));
    const actual = Buffer.from(x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits >= 2048 && actual === thumbprint.replace(/=+$/, '')) return { key: x509.publicKey, thumbprint };
  } catch {
    // Falls through to the refusal.
  }
  throw badParameter('A certificate is not an RSA certificate of at least 2048 bits with its SHA-256 thumbprint');
}
