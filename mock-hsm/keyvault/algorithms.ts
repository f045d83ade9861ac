// One row per algorithm of the service: what key it wants, what input, how it runs.
import type { CurveName } from './curves.ts';
import type { HashName } from './pss.ts';

export interface SignatureAlgorithm {
  readonly kty: 'RSA-HSM' | 'EC-HSM' | 'oct-HSM';
  readonly curve?: CurveName;
  readonly padding?: 'pkcs1' | 'pss';
  readonly hash?: HashName;
  /** Length of the digest; undefined for RSNULL, whose input the caller chooses. */
  readonly digestBytes?: number;
}

export interface EncryptionAlgorithm {
  readonly kty: 'RSA-HSM' | 'oct-HSM';
  readonly mode: 'oaep' | 'pkcs1' | 'gcm' | 'cbc' | 'cbcpad' | 'kw' | 'kwp';
  readonly hash?: HashName;
  /** RSA: bytes that the padding takes of the modulus. */
  readonly overheadBytes?: number;
  /** AES: size the key must have. */
  readonly keyBits?: number;
}

export const signatureAlgorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map(
  Object.entries({
    RS256: { kty: 'RSA-HSM', padding: 'pkcs1', hash: 'sha256', digestBytes: 32 },
    RS384: { kty: 'RSA-HSM', padding: 'pkcs1', hash: 'sha384', digestBytes: 48 },
    RS512: { kty: 'RSA-HSM', padding: 'pkcs1', hash: 'sha512', digestBytes: 64 },
    PS256: { kty: 'RSA-HSM', padding: 'pss', hash: 'sha256', digestBytes: 32 },
    PS384: { kty: 'RSA-HSM', padding: 'pss', hash: 'sha384', digestBytes: 48 },
    PS512: { kty: 'RSA-HSM', padding: 'pss', hash: 'sha512', digestBytes: 64 },
    RSNULL: { kty: 'RSA-HSM', padding: 'pkcs1' },
    ES256: { kty: 'EC-HSM', curve: 'P-256', digestBytes: 32 },
    ES256K: { kty: 'EC-HSM', curve: 'P-256K', digestBytes: 32 },
    ES384: { kty: 'EC-HSM', curve: 'P-384', digestBytes: 48 },
    ES512: { kty: 'EC-HSM', curve: 'P-521', digestBytes: 64 },
    HS256: { kty: 'oct-HSM', hash: 'sha256', digestBytes: 32 },
    HS384: { kty: 'oct-HSM', hash: 'sha384', digestBytes: 48 },
    HS512: { kty: 'oct-HSM', hash: 'sha512', digestBytes: 64 },
  } as const satisfies Record<string, SignatureAlgorithm>),
);

const aes = (keyBits: number) =>
  ({
    [`A${keyBits}GCM`]: { kty: 'oct-HSM', mode: 'gcm', keyBits },
    [`A${keyBits}CBC`]: { kty: 'oct-HSM', mode: 'cbc', keyBits },
    [`A${keyBits}CBCPAD`]: { kty: 'oct-HSM', mode: 'cbcpad', keyBits },
    [`A${keyBits}KW`]: { kty: 'oct-HSM', mode: 'kw', keyBits },
  }) satisfies Record<string, EncryptionAlgorithm>;

export const encryptionAlgorithms: ReadonlyMap<string, EncryptionAlgorithm> = new Map<string, EncryptionAlgorithm>(
  Object.entries<EncryptionAlgorithm>({
    'RSA-OAEP-256': { kty: 'RSA-HSM', mode: 'oaep', hash: 'sha256', overheadBytes: 66 },
    'RSA-OAEP': { kty: 'RSA-HSM', mode: 'oaep', hash: 'sha1', overheadBytes: 42 },
    RSA1_5: { kty: 'RSA-HSM', mode: 'pkcs1', overheadBytes: 11 },
    // Recorded for 256 bits alone.
    CKM_AES_KEY_WRAP: { kty: 'oct-HSM', mode: 'kw', keyBits: 256 },
    CKM_AES_KEY_WRAP_PAD: { kty: 'oct-HSM', mode: 'kwp', keyBits: 256 },
    ...aes(128),
    ...aes(192),
    ...aes(256),
  }),
);
