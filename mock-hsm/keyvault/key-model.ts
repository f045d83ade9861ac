// What a key is, as it is kept. Records are replaced, never changed.
import type { CurveName } from './curves.ts';
import type { ReleasePolicy } from './release-policy.ts';

export type KeyType = 'RSA-HSM' | 'EC-HSM' | 'oct-HSM';

/** The public half, in the service's own spelling (JWK, base64url). An oct-HSM key shows nothing of itself. */
export interface PublicMaterial {
  readonly kty: KeyType;
  readonly n?: string;
  readonly e?: string;
  readonly crv?: CurveName;
  readonly x?: string;
  readonly y?: string;
  /** Modulus or AES key size. Not part of any answer. */
  readonly bits?: number;
}

export interface KeyVersion {
  /** Name as its creator wrote it; names compare without regard to case. */
  readonly name: string;
  /** 32 lower-case hex digits. */
  readonly version: string;
  /** Grows with each version made on this HSM: times in seconds do not order versions. */
  readonly sequence: number;
  readonly material: PublicMaterial;
  /** PKCS#8 or raw bytes, encrypted at rest. */
  readonly sealedKey: string;
  readonly keyOps: readonly string[];
  readonly enabled: boolean;
  /** Unix seconds, as all times here. */
  readonly nbf?: number;
  readonly exp?: number;
  readonly created: number;
  readonly updated: number;
  readonly exportable: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly releasePolicy?: ReleasePolicy;
}

export interface Deletion {
  readonly deletedDate: number;
  readonly scheduledPurgeDate: number;
}

export interface Key {
  readonly name: string;
  /** Oldest first; never empty. */
  readonly versions: readonly KeyVersion[];
  readonly deletion?: Deletion;
  readonly rotationPolicy?: RotationPolicy;
}

export type RotationTrigger = { readonly timeAfterCreate: string } | { readonly timeBeforeExpiry: string };

export interface RotationPolicy {
  /** At most one: pools know no other action than Rotate. */
  readonly lifetimeActions: readonly {
    readonly trigger: RotationTrigger;
    readonly action: { readonly type: 'Rotate' };
  }[];
  readonly attributes: { readonly expiryTime?: string; readonly created: number; readonly updated: number };
}

export function newestOf(key: Key): KeyVersion {
  const newest = key.versions.at(-1);
  if (newest === undefined) throw new Error(`key ${key.name} has no version`);
  return newest;
}
