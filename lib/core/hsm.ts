/**
 * What the core asks of a Managed HSM. lib/mhsm implements it over REST; tests implement it in memory. Times are unix
 * seconds, byte strings are Uint8Array, signatures are as the service gives them: RSA as modulus-long bytes, EC as raw
 * r‖s of twice the field size (RFC 7518), never DER.
 *
 * Every method may reject with a Pkcs11Error whose `rv` says which repair is needed; the table is in lib/mhsm.
 */

/** Longest PIN of a token, in bytes of UTF-8 (ulMaxPinLen of C_GetTokenInfo). */
export const MAX_PIN_BYTES = 1024;

export type CurveName = 'P-256' | 'P-256K' | 'P-384' | 'P-521';
export type RsaBits = 2048 | 3072 | 4096;
export type SignatureAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'RSNULL'
  | 'ES256'
  | 'ES256K'
  | 'ES384'
  | 'ES512';
/** RSA-OAEP is with SHA-1, RSA-OAEP-256 with SHA-256; each also in its MGF1. */
export type EncryptionAlgorithm = 'RSA1_5' | 'RSA-OAEP' | 'RSA-OAEP-256';
export type KeyOperation = 'sign' | 'verify' | 'encrypt' | 'decrypt' | 'wrapKey' | 'unwrapKey' | 'import' | 'export';
export type Tags = Readonly<Record<string, string>>;

/** Big-endian integers without leading zero bytes (RSA) or of exactly the field size (EC x, y). */
export type PublicKey =
  | { kty: 'RSA'; modulus: Uint8Array; exponent: Uint8Array }
  | { kty: 'EC'; curve: CurveName; x: Uint8Array; y: Uint8Array };

export interface KeyLifetime {
  enabled: boolean;
  notBefore: number | undefined;
  expires: number | undefined;
}

/** One line of the key list: the newest version of a key, without its type or material. */
export interface KeySummary extends KeyLifetime {
  name: string;
  /** Creation time of the newest version: tells versions apart where the list gives no version id. */
  created: number;
  updated: number;
  tags: Tags;
  /** What the HSM gave as tags although it is no text, as JSON; absent when there is none. */
  oddTags?: Tags;
}

export interface KeyVersionSummary extends KeySummary {
  /** 32 lower-case hexadecimal characters. */
  version: string;
}

/** One version of a key, whole. Symmetric keys (oct-HSM) have no public key. */
export interface KeyVersion extends KeyVersionSummary {
  /** `https://{hsm}/keys/{name}/{version}` */
  kid: string;
  publicKey: PublicKey | undefined;
  operations: readonly KeyOperation[];
}

export interface NewKey {
  name: string;
  key: { kty: 'RSA'; bits: RsaBits } | { kty: 'EC'; curve: CurveName };
  operations: readonly KeyOperation[];
  tags: Tags;
  lifetime: { enabled?: boolean; notBefore?: number; expires?: number };
}

/** What is absent stays as it is; a time that is null is taken away. */
export interface KeyChanges {
  operations?: readonly KeyOperation[];
  tags?: Tags;
  lifetime?: { enabled?: boolean; notBefore?: number | null; expires?: number | null };
}

export interface ListOptions {
  /** A new sweep instead of the cached one. */
  readonly fresh?: boolean;
  /**
   * With `fresh`: the cached one where several were read just now. It has all that was made a second and the duration of one
   * sweep ago.
   */
  readonly sparing?: boolean;
  /** With `sparing`: told when the sweep of the list given began before this call, so that what is not there may be new. */
  readonly onSpared?: () => void;
  /** May be told of each key while the rest of the list is on its way: time for what has to be made of it anyway. */
  readonly onListed?: ((key: KeySummary) => void) | undefined;
}

/** One identity (service principal or managed identity) at one HSM. Shared by every application that uses it. */
export interface HsmIdentity {
  /** Names the identity in messages and cache keys: a client id, never a secret. */
  readonly name: string;
  /**
   * Gets a token and opens the connections. CKR_PIN_INCORRECT when the credential is refused, CKR_DEVICE_ERROR when the
   * HSM or the authority cannot be reached. Instant while a token obtained earlier is valid.
   */
  authenticate(): Promise<void>;
  /**
   * All keys, from the cached sweep of the list. Same array (===) as long as nothing changed, so that a caller can keep
   * what it derived. `fresh` waits for a new sweep (single flight) instead of taking the cache. What this identity
   * created, changed or deleted itself shows in the next list, `fresh` or not.
   */
  listKeys(options?: ListOptions): Promise<readonly KeySummary[]>;
  /** How often a list was read to its end: a higher number than before means that the HSM was asked anew. */
  readonly listsRead: number;
  /** One version, or the newest. Immutable parts are read once a version and remembered. */
  getKey(name: string, version?: string): Promise<KeyVersion>;
  listVersions(name: string): Promise<readonly KeyVersionSummary[]>;
  createKey(key: NewKey): Promise<KeyVersion>;
  updateKey(name: string, version: string, changes: KeyChanges): Promise<KeyVersion>;
  /** Soft delete of all versions of the key. */
  deleteKey(name: string): Promise<void>;
  /** `digest` is the hash for RS, PS and ES algorithms, the padded-to-be bytes for RSNULL. */
  sign(name: string, version: string, algorithm: SignatureAlgorithm, digest: Uint8Array): Promise<Uint8Array>;
  /**
   * The plaintext of a ciphertext as long as the modulus; may be empty. CKR_ENCRYPTED_DATA_INVALID when the service
   * cannot make sense of it.
   */
  decrypt(name: string, version: string, algorithm: EncryptionAlgorithm, encrypted: Uint8Array): Promise<Uint8Array>;
  /** 1 to any number of bytes from the HSM's generator. */
  random(bytes: number): Promise<Uint8Array>;
}

/** One Managed HSM: what a PKCS#11 slot stands for. */
export interface Hsm {
  /** Base address without a trailing slash, for messages. */
  readonly url: string;
  /** The identity of the slot itself (managed identity, credential of the configuration): such a token needs no login. */
  readonly ownIdentity: HsmIdentity | undefined;
  /**
   * The identity a PIN stands for. Same PIN, same identity. No network.
   * Throws CKR_PIN_INCORRECT when the PIN is not `client-id:client-secret`.
   */
  identityOfPin(pin: Uint8Array): HsmIdentity;
}
