/**
 * The attributes of key objects: one row each, saying where the value comes from.
 *
 * - `list`: the key list, its tags, or a constant. Nothing need be asked for keys that their tags describe.
 * - `key`: the key itself, which is read once a version.
 * - `never`: the secret half, which does not leave the HSM (CKR_ATTRIBUTE_SENSITIVE).
 *
 * Who wins where two know: type, modulus and point are the key's own. Dates are nbf and exp, then the tag. Label, id and
 * usage are the tag, then the other object's tag (label, id), then the key itself.
 *
 * Private keys carry the public material too: most callers look for it there and nowhere else.
 */

import * as ck from '../pkcs11/constants.ts';
import {
  CKA_MHSM_KEY_ENABLED,
  CKA_MHSM_KEY_ID,
  CKA_MHSM_KEY_NAME,
  CKA_MHSM_KEY_VERSION,
} from '../pkcs11/vendor-attributes.ts';
import type { Side } from '../tags/attributes.ts';
import { EMPTY, FALSE, ofBoolean, ofText, ofUlong, TRUE, toBoolean } from '../tags/values.ts';
import { curves } from './curves.ts';
import { concat } from './der.ts';
import type { Key, KeyObject } from './key.ts';
import { mechanismsOfKey } from './mechanisms.ts';
import { ecPoint, publicKeyInfo, sizeInBits } from './public-key.ts';

export interface KeyAttribute {
  readonly type: number;
  readonly on: Side | 'both';
  /** CKK_ value of the keys that have it; undefined: all. */
  readonly keyType?: number;
  readonly from: 'list' | 'key' | 'never';
  readonly value: (key: Key, side: Side) => Uint8Array;
}

const { CKK_RSA, CKK_EC } = ck;
const constant = (type: number, on: Side | 'both', value: Uint8Array): KeyAttribute => ({
  type,
  on,
  from: 'list',
  value: () => value,
});
const listed = (type: number, on: Side | 'both', value: KeyAttribute['value']): KeyAttribute => ({
  type,
  on,
  from: 'list',
  value,
});
const usage = (type: number, on: Side): KeyAttribute => listed(type, on, (key, side) => key.usage(type, side));
const read = (
  type: number,
  on: Side | 'both',
  keyType: number | undefined,
  value: KeyAttribute['value'],
): KeyAttribute =>
  keyType === undefined ? { type, on, from: 'key', value } : { type, on, keyType, from: 'key', value };
const secret = (type: number, keyType?: number): KeyAttribute => {
  const row = { type, on: 'private', from: 'never', value: () => EMPTY } as const;
  return keyType === undefined ? row : { ...row, keyType };
};

const rsaPart = (part: 'modulus' | 'exponent') => (key: Key) =>
  key.publicKey?.kty === 'RSA' ? key.publicKey[part] : EMPTY;
const CLASSES = { private: ofUlong(ck.CKO_PRIVATE_KEY), public: ofUlong(ck.CKO_PUBLIC_KEY) };
const GENERATED_BY: Readonly<Record<number, Uint8Array>> = {
  [CKK_RSA]: ofUlong(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
  [CKK_EC]: ofUlong(ck.CKM_EC_KEY_PAIR_GEN),
};
const USES = {
  private: { signing: ck.CKA_SIGN, encrypting: ck.CKA_DECRYPT },
  public: { signing: ck.CKA_VERIFY, encrypting: ck.CKA_ENCRYPT },
};
const UNAVAILABLE = ofUlong(ck.CK_UNAVAILABLE_INFORMATION);

/** Made by this library as far as can be known: others may have been imported, and claim nothing. */
const madeHere = (key: Key) => (key.describedByTags ? TRUE : FALSE);

/** The mechanisms of the key's type that its usage allows: an array of CK_MECHANISM_TYPE (section 4.7). */
function allowedMechanisms(key: Key, side: Side): Uint8Array {
  const may = (type: number) => toBoolean(key.usage(type, side)) === true;
  const { signing, encrypting } = USES[side];
  const uses = { signature: may(signing), encryption: may(encrypting) };
  return concat(...mechanismsOfKey(key.keyType, uses).map(ofUlong));
}

export const keyAttributes: readonly KeyAttribute[] = [
  listed(ck.CKA_CLASS, 'both', (_key, side) => CLASSES[side]),
  constant(ck.CKA_TOKEN, 'both', TRUE),
  constant(ck.CKA_PRIVATE, 'private', TRUE),
  constant(ck.CKA_PRIVATE, 'public', FALSE),
  constant(ck.CKA_MODIFIABLE, 'both', TRUE),
  constant(ck.CKA_COPYABLE, 'both', FALSE),
  listed(ck.CKA_LABEL, 'both', (key, side) => key.label(side)),
  listed(ck.CKA_KEY_TYPE, 'both', (key) => ofUlong(key.keyType ?? ck.CK_UNAVAILABLE_INFORMATION)),
  listed(ck.CKA_ID, 'both', (key, side) => key.id(side)),
  listed(ck.CKA_START_DATE, 'both', (key) => key.date(ck.CKA_START_DATE)),
  listed(ck.CKA_END_DATE, 'both', (key) => key.date(ck.CKA_END_DATE)),
  constant(ck.CKA_DERIVE, 'both', FALSE),
  listed(ck.CKA_LOCAL, 'both', madeHere),
  listed(ck.CKA_KEY_GEN_MECHANISM, 'both', (key) =>
    key.describedByTags ? (GENERATED_BY[key.keyType ?? -1] ?? UNAVAILABLE) : UNAVAILABLE,
  ),
  listed(ck.CKA_ALLOWED_MECHANISMS, 'both', allowedMechanisms),
  constant(ck.CKA_SUBJECT, 'both', EMPTY),
  read(ck.CKA_PUBLIC_KEY_INFO, 'both', undefined, (key) =>
    key.publicKey === undefined ? EMPTY : publicKeyInfo(key.publicKey),
  ),

  usage(ck.CKA_SIGN, 'private'),
  usage(ck.CKA_DECRYPT, 'private'),
  usage(ck.CKA_UNWRAP, 'private'),
  constant(ck.CKA_SIGN_RECOVER, 'private', FALSE),
  constant(ck.CKA_SENSITIVE, 'private', TRUE),
  listed(ck.CKA_ALWAYS_SENSITIVE, 'private', madeHere),
  constant(ck.CKA_EXTRACTABLE, 'private', FALSE),
  listed(ck.CKA_NEVER_EXTRACTABLE, 'private', madeHere),
  constant(ck.CKA_WRAP_WITH_TRUSTED, 'private', FALSE),
  constant(ck.CKA_ALWAYS_AUTHENTICATE, 'private', FALSE),
  constant(ck.CKA_UNWRAP_TEMPLATE, 'private', EMPTY),

  usage(ck.CKA_VERIFY, 'public'),
  usage(ck.CKA_ENCRYPT, 'public'),
  usage(ck.CKA_WRAP, 'public'),
  constant(ck.CKA_VERIFY_RECOVER, 'public', FALSE),
  constant(ck.CKA_TRUSTED, 'public', FALSE),
  constant(ck.CKA_WRAP_TEMPLATE, 'public', EMPTY),

  read(ck.CKA_MODULUS, 'both', CKK_RSA, rsaPart('modulus')),
  read(ck.CKA_PUBLIC_EXPONENT, 'both', CKK_RSA, rsaPart('exponent')),
  read(ck.CKA_MODULUS_BITS, 'public', CKK_RSA, (key) => ofUlong(key.publicKey ? sizeInBits(key.publicKey) : 0)),
  read(ck.CKA_EC_PARAMS, 'both', CKK_EC, (key) =>
    key.publicKey?.kty === 'EC' ? curves[key.publicKey.curve].oid : EMPTY,
  ),
  read(ck.CKA_EC_POINT, 'both', CKK_EC, (key) => (key.publicKey?.kty === 'EC' ? ecPoint(key.publicKey) : EMPTY)),

  secret(ck.CKA_VALUE, CKK_EC),
  secret(ck.CKA_PRIVATE_EXPONENT, CKK_RSA),
  secret(ck.CKA_PRIME_1, CKK_RSA),
  secret(ck.CKA_PRIME_2, CKK_RSA),
  secret(ck.CKA_EXPONENT_1, CKK_RSA),
  secret(ck.CKA_EXPONENT_2, CKK_RSA),
  secret(ck.CKA_COEFFICIENT, CKK_RSA),

  listed(CKA_MHSM_KEY_NAME, 'both', (key) => ofText(key.name)),
  listed(CKA_MHSM_KEY_ENABLED, 'both', (key) => ofBoolean(key.summary.enabled)),
  read(CKA_MHSM_KEY_VERSION, 'both', undefined, (key) => ofText(key.versionId ?? '')),
  read(CKA_MHSM_KEY_ID, 'both', undefined, (key) => ofText(key.material?.kid ?? '')),
];

function bySide(side: Side): Map<number, KeyAttribute> {
  return new Map(keyAttributes.filter((row) => row.on === 'both' || row.on === side).map((row) => [row.type, row]));
}
const rows: Readonly<Record<Side, Map<number, KeyAttribute>>> = {
  private: bySide('private'),
  public: bySide('public'),
};

/** The row of an attribute for this object, or undefined when the object does not have it. */
export function keyAttribute(object: KeyObject, type: number): KeyAttribute | undefined {
  const row = rows[object.kind].get(type);
  return row?.keyType === undefined || row.keyType === object.key.keyType ? row : undefined;
}

/** All rows that the object has. */
export function keyAttributesOf(object: KeyObject): KeyAttribute[] {
  return [...rows[object.kind].keys()].map((type) => keyAttribute(object, type)).filter((row) => row !== undefined);
}
