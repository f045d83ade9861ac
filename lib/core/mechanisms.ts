/**
 * The mechanisms: one row for each use of each, and the only place that knows which there are. Lists, flags, sizes, checks and the
 * service's algorithms all follow from here (mechanisms specification 2.40: section 2.1 for RSA, 2.3 for EC). What is not whole is not in here; CKM_RSA_X_509 is left out on purpose,
 * because the service pads by itself.
 */

import * as ck from '../pkcs11/constants.ts';
import { type Hash, SHA256, SHA384, SHA512 } from './hashes.ts';
import { mechanismInvalid } from './refusals.ts';

export type Scheme = 'pkcs1' | 'pss' | 'ecdsa';

export interface SignatureMechanism {
  readonly use: 'signature';
  readonly type: number;
  readonly keyType: number;
  readonly scheme: Scheme;
  /** The hash that the library makes of the data; undefined: the caller brings the digest or payload, in one part. */
  readonly hash: Hash | undefined;
}

export interface EncryptionMechanism {
  readonly use: 'encryption';
  readonly type: number;
  readonly keyType: number;
  readonly scheme: 'pkcs1' | 'oaep';
}

export interface GenerationMechanism {
  readonly use: 'generation';
  readonly type: number;
  readonly keyType: number;
}

export interface DigestMechanism {
  readonly use: 'digest';
  readonly type: number;
  readonly hash: Hash;
}

export type MechanismRow = SignatureMechanism | EncryptionMechanism | GenerationMechanism | DigestMechanism;
type Use = MechanismRow['use'];

const { CKK_RSA, CKK_EC } = ck;

const signature = (type: number, keyType: number, scheme: Scheme, hash?: Hash): SignatureMechanism => ({
  use: 'signature',
  type,
  keyType,
  scheme,
  hash,
});
const encryption = (type: number, scheme: EncryptionMechanism['scheme']): EncryptionMechanism => ({
  use: 'encryption',
  type,
  keyType: CKK_RSA,
  scheme,
});
const generation = (type: number, keyType: number): GenerationMechanism => ({ use: 'generation', type, keyType });
const digest = (type: number, hash: Hash): DigestMechanism => ({ use: 'digest', type, hash });

export const mechanisms: readonly MechanismRow[] = [
  generation(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA),
  generation(ck.CKM_EC_KEY_PAIR_GEN, CKK_EC),
  signature(ck.CKM_RSA_PKCS, CKK_RSA, 'pkcs1'),
  signature(ck.CKM_SHA256_RSA_PKCS, CKK_RSA, 'pkcs1', SHA256),
  signature(ck.CKM_SHA384_RSA_PKCS, CKK_RSA, 'pkcs1', SHA384),
  signature(ck.CKM_SHA512_RSA_PKCS, CKK_RSA, 'pkcs1', SHA512),
  signature(ck.CKM_RSA_PKCS_PSS, CKK_RSA, 'pss'),
  signature(ck.CKM_SHA256_RSA_PKCS_PSS, CKK_RSA, 'pss', SHA256),
  signature(ck.CKM_SHA384_RSA_PKCS_PSS, CKK_RSA, 'pss', SHA384),
  signature(ck.CKM_SHA512_RSA_PKCS_PSS, CKK_RSA, 'pss', SHA512),
  signature(ck.CKM_ECDSA, CKK_EC, 'ecdsa'),
  signature(ck.CKM_ECDSA_SHA256, CKK_EC, 'ecdsa', SHA256),
  signature(ck.CKM_ECDSA_SHA384, CKK_EC, 'ecdsa', SHA384),
  signature(ck.CKM_ECDSA_SHA512, CKK_EC, 'ecdsa', SHA512),
  encryption(ck.CKM_RSA_PKCS, 'pkcs1'),
  encryption(ck.CKM_RSA_PKCS_OAEP, 'oaep'),
  digest(ck.CKM_SHA256, SHA256),
  digest(ck.CKM_SHA384, SHA384),
  digest(ck.CKM_SHA512, SHA512),
];

/** Each once, in the order of the table. */
export const mechanismTypes: readonly number[] = [...new Set(mechanisms.map(({ type }) => type))];

/** The row of a mechanism for one use of it; CKR_MECHANISM_INVALID when it has none. */
export function mechanismFor<U extends Use>(use: U, type: number): Extract<MechanismRow, { use: U }> {
  const row = mechanisms.find((each) => each.use === use && each.type === type);
  if (row === undefined) throw mechanismInvalid(type);
  return row as Extract<MechanismRow, { use: U }>;
}

/** The mechanisms that a key of this type can be used with, each once, for the uses that are true. */
export function mechanismsOfKey(
  keyType: number | undefined,
  uses: Readonly<Record<'signature' | 'encryption', boolean>>,
): number[] {
  const rows = mechanisms.filter(
    (row) => (row.use === 'signature' || row.use === 'encryption') && row.keyType === keyType && uses[row.use],
  );
  return [...new Set(rows.map(({ type }) => type))];
}

/** Key sizes in bits, by key type. */
export const keySizes: Readonly<Record<number, { min: number; max: number }>> = {
  [CKK_RSA]: { min: 2048, max: 4096 },
  [CKK_EC]: { min: 256, max: 521 },
};

export interface MechanismInfo {
  minKeySize: number;
  maxKeySize: number;
  flags: number;
}

const USE_FLAGS: Readonly<Record<Use, number>> = {
  signature: ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY,
  encryption: ck.CKF_HW | ck.CKF_ENCRYPT | ck.CKF_DECRYPT,
  generation: ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR,
  digest: ck.CKF_DIGEST,
};
const CURVE_FLAGS = ck.CKF_EC_F_P | ck.CKF_EC_NAMEDCURVE | ck.CKF_EC_UNCOMPRESS;

/**
 * CK_MECHANISM_INFO (section 3.5): sizes in bits, 0 where no key is used. Digests are made here, not in the HSM.
 * CKR_MECHANISM_INVALID.
 */
export function mechanismInfo(type: number): MechanismInfo {
  const rows = mechanisms.filter((row) => row.type === type);
  const [row] = rows;
  if (row === undefined) throw mechanismInvalid(type);
  const keyType = row.use === 'digest' ? undefined : row.keyType;
  const sizes = keyType === undefined ? undefined : keySizes[keyType];
  return {
    minKeySize: sizes?.min ?? 0,
    maxKeySize: sizes?.max ?? 0,
    flags: rows.reduce((flags, { use }) => flags | USE_FLAGS[use], 0) | (keyType === CKK_EC ? CURVE_FLAGS : 0),
  };
}
