/** The templates of C_GenerateKeyPair (sections 4 and 5.14): what may be asked, and what is understood. */

import * as ck from '../pkcs11/constants.ts';
import { isNamed, nameOf } from '../pkcs11/names.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { type Side, taggedAttribute } from '../tags/attributes.ts';
import { fitsTag } from '../tags/codec.ts';
import {
  EMPTY,
  equalBytes,
  FALSE,
  ofUlong,
  startOfDay,
  TRUE,
  toBoolean,
  toDate,
  toText,
  toUlong,
} from '../tags/values.ts';
import type { Attribute } from './calls.ts';
import { curves } from './curves.ts';
import { inside, TAG } from './der.ts';
import type { CurveName, NewKey, RsaBits } from './hsm.ts';
import {
  attributeReadOnly,
  attributeTypeInvalid,
  attributeValueInvalid,
  curveNotSupported,
  domainParamsInvalid,
  templateIncomplete,
  templateInconsistent,
} from './refusals.ts';

/** Attribute type to value, each named once. */
export type Template = ReadonlyMap<number, Uint8Array>;

/** What an attribute of a template may be. */
type Rule =
  /** Only this value: another would promise what the HSM does not do (CKR_TEMPLATE_INCONSISTENT). */
  | { must: Uint8Array }
  /** Kept in a tag, in the form of its row there. */
  | 'tagged'
  /** Any boolean, and without effect. */
  | 'ignored'
  /** Read by the code below. */
  | 'understood';

const YES: Rule = { must: TRUE };
const NO: Rule = { must: FALSE };

const bothSides: readonly (readonly [number, Rule])[] = [
  [ck.CKA_TOKEN, YES],
  [ck.CKA_MODIFIABLE, YES],
  [ck.CKA_COPYABLE, NO],
  [ck.CKA_DESTROYABLE, 'ignored'],
  // pkcs11-tool asks for it with every EC key. The HSM derives nothing: the key is made and says CKA_DERIVE false.
  [ck.CKA_DERIVE, 'ignored'],
  [ck.CKA_SUBJECT, { must: EMPTY }],
  [ck.CKA_KEY_TYPE, 'understood'],
  [ck.CKA_LABEL, 'tagged'],
  [ck.CKA_ID, 'tagged'],
  [ck.CKA_START_DATE, 'tagged'],
  [ck.CKA_END_DATE, 'tagged'],
];

const rules: Readonly<Record<Side, ReadonlyMap<number, Rule>>> = {
  private: new Map<number, Rule>([
    ...bothSides,
    [ck.CKA_CLASS, { must: ofUlong(ck.CKO_PRIVATE_KEY) }],
    [ck.CKA_PRIVATE, YES],
    [ck.CKA_SENSITIVE, YES],
    [ck.CKA_EXTRACTABLE, NO],
    [ck.CKA_SIGN, 'tagged'],
    [ck.CKA_DECRYPT, 'tagged'],
    [ck.CKA_UNWRAP, 'tagged'],
    [ck.CKA_SIGN_RECOVER, NO],
    [ck.CKA_WRAP_WITH_TRUSTED, NO],
    [ck.CKA_ALWAYS_AUTHENTICATE, NO],
    [ck.CKA_UNWRAP_TEMPLATE, { must: EMPTY }],
    [CKA_MHSM_KEY_NAME, 'understood'],
  ]),
  public: new Map<number, Rule>([
    ...bothSides,
    [ck.CKA_CLASS, { must: ofUlong(ck.CKO_PUBLIC_KEY) }],
    [ck.CKA_PRIVATE, NO],
    [ck.CKA_VERIFY, 'tagged'],
    [ck.CKA_ENCRYPT, 'tagged'],
    [ck.CKA_WRAP, 'tagged'],
    [ck.CKA_VERIFY_RECOVER, NO],
    [ck.CKA_TRUSTED, NO],
    [ck.CKA_WRAP_TEMPLATE, { must: EMPTY }],
    [ck.CKA_MODULUS_BITS, 'understood'],
    [ck.CKA_PUBLIC_EXPONENT, 'understood'],
    [ck.CKA_EC_PARAMS, 'understood'],
  ]),
};

/** Attributes that C_GenerateKeyPair fills in by itself, the secret ones among them (section 4.1.1, rule 3). */
const READ_ONLY = new Set([
  ck.CKA_LOCAL,
  ck.CKA_KEY_GEN_MECHANISM,
  ck.CKA_ALWAYS_SENSITIVE,
  ck.CKA_NEVER_EXTRACTABLE,
  ck.CKA_MODULUS,
  ck.CKA_EC_POINT,
  ck.CKA_PUBLIC_KEY_INFO,
  // What a key may be used with follows from its usage; the HSM knows no narrower list.
  ck.CKA_ALLOWED_MECHANISMS,
  ck.CKA_VALUE,
  ck.CKA_PRIVATE_EXPONENT,
  ck.CKA_PRIME_1,
  ck.CKA_PRIME_2,
  ck.CKA_EXPONENT_1,
  ck.CKA_EXPONENT_2,
  ck.CKA_COEFFICIENT,
]);

/**
 * The refusal of an attribute that no rule is about (section 4.1.1): the library's own to fill in, the specification's
 * but of other objects, or nobody's.
 */
function noRule(type: number): Error {
  if (READ_ONLY.has(type)) return attributeReadOnly(type);
  if (isNamed('CKA', type)) return templateInconsistent(`${nameOf('CKA', type)} is of another kind of object`);
  return attributeTypeInvalid(type);
}

function check(type: number, value: Uint8Array, rule: Rule): void {
  if (rule === 'understood') return;
  if (rule === 'tagged') return checkTagged(type, value);
  if ((rule === YES || rule === NO || rule === 'ignored') && toBoolean(value) === undefined) {
    throw attributeValueInvalid(type, 'it is not a CK_BBOOL');
  }
  if (rule === 'ignored' || equalBytes(rule.must, value)) return;
  if (value.length !== rule.must.length && rule.must.length > 0)
    throw attributeValueInvalid(type, 'its length is wrong');
  throw templateInconsistent(`a key in the HSM cannot have attribute 0x${type.toString(16)} of the given value`);
}

/** CKR_ATTRIBUTE_VALUE_INVALID for a value that its tag cannot hold. */
export function checkTagged(type: number, value: Uint8Array): void {
  const row = taggedAttribute(type);
  if (row === undefined || fitsTag(row, value)) return;
  throw attributeValueInvalid(type, `it is not ${row.form.expected}, or more than a tag of 256 characters holds`);
}

/**
 * A template by attribute, each checked on its own. CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY,
 * CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT (also for two values of one attribute, and for one that other
 * objects have).
 */
export function readTemplate(side: Side, attributes: readonly Attribute[]): Template {
  const template = new Map<number, Uint8Array>();
  for (const { type, value } of attributes) {
    const rule = rules[side].get(type);
    if (rule === undefined) throw noRule(type);
    const bytes = value ?? EMPTY;
    check(type, bytes, rule);
    const earlier = template.get(type);
    if (earlier !== undefined && !equalBytes(earlier, bytes)) throw templateInconsistent('an attribute has two values');
    template.set(type, bytes);
  }
  return template;
}

function rsaBits(template: Template): RsaBits {
  const bits = template.get(ck.CKA_MODULUS_BITS);
  if (bits === undefined) throw templateIncomplete(ck.CKA_MODULUS_BITS);
  const number = toUlong(bits);
  if (number !== 2048 && number !== 3072 && number !== 4096) {
    throw attributeValueInvalid(ck.CKA_MODULUS_BITS, 'the HSM makes 2048, 3072 and 4096 bits');
  }
  const exponent = template.get(ck.CKA_PUBLIC_EXPONENT);
  if (exponent !== undefined && !/^(00)*010001$/.test(Buffer.from(exponent).toString('hex'))) {
    throw attributeValueInvalid(ck.CKA_PUBLIC_EXPONENT, 'the HSM uses 65537');
  }
  return number;
}

function curveName(template: Template): CurveName {
  const params = template.get(ck.CKA_EC_PARAMS);
  if (params === undefined) throw templateIncomplete(ck.CKA_EC_PARAMS);
  const curve = Object.values(curves).find(({ oid }) => equalBytes(oid, params));
  if (curve !== undefined) return curve.name;
  const isNamedCurve =
    params[0] === TAG.objectIdentifier && params.length === 2 + (params[1] ?? 0) && params.length > 2;
  throw isNamedCurve || inside(TAG.sequence, params) !== undefined ? curveNotSupported() : domainParamsInvalid();
}

const FOREIGN: Readonly<Record<number, readonly number[]>> = {
  [ck.CKK_RSA]: [ck.CKA_EC_PARAMS],
  [ck.CKK_EC]: [ck.CKA_MODULUS_BITS, ck.CKA_PUBLIC_EXPONENT],
};

/** Type and size of the key, from the mechanism's key type and the public template. */
export function keyMaterial(keyType: number, publicTemplate: Template, privateTemplate: Template): NewKey['key'] {
  for (const template of [publicTemplate, privateTemplate]) {
    const asked = template.get(ck.CKA_KEY_TYPE);
    if (asked === undefined || toUlong(asked) === keyType) continue;
    if (toUlong(asked) === undefined) throw attributeValueInvalid(ck.CKA_KEY_TYPE, 'it is not a CK_KEY_TYPE');
    throw templateInconsistent('CKA_KEY_TYPE is not the mechanism’s');
  }
  const foreign = FOREIGN[keyType]?.find((type) => publicTemplate.has(type));
  if (foreign !== undefined) throw templateInconsistent('the public template has attributes of another key type');
  return keyType === ck.CKK_RSA
    ? { kty: 'RSA', bits: rsaBits(publicTemplate) }
    : { kty: 'EC', curve: curveName(publicTemplate) };
}

const LAST_SECOND_OF_DAY = 24 * 60 * 60 - 1;

/** nbf or exp for CKA_START_DATE or CKA_END_DATE, in unix seconds: the whole of the last day counts. */
export function timeOf(type: number, date: Uint8Array): number | undefined {
  const start = startOfDay(toDate(date) ?? '');
  return start === undefined || type === ck.CKA_START_DATE ? start : start + LAST_SECOND_OF_DAY;
}

/** The dates of both templates, which have to agree, as times. */
export function lifetimeOf(dates: Template): NewKey['lifetime'] {
  const notBefore = timeOf(ck.CKA_START_DATE, dates.get(ck.CKA_START_DATE) ?? EMPTY);
  const expires = timeOf(ck.CKA_END_DATE, dates.get(ck.CKA_END_DATE) ?? EMPTY);
  if (notBefore !== undefined && expires !== undefined && expires < notBefore) {
    throw templateInconsistent('CKA_END_DATE is before CKA_START_DATE');
  }
  return { ...(notBefore === undefined ? {} : { notBefore }), ...(expires === undefined ? {} : { expires }) };
}

/** The name that the private template chooses, if it does: 1 to 127 letters, digits and hyphens. */
export function chosenName(privateTemplate: Template): string | undefined {
  const value = privateTemplate.get(CKA_MHSM_KEY_NAME);
  if (value === undefined) return undefined;
  const name = toText(value) ?? '';
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) {
    throw attributeValueInvalid(CKA_MHSM_KEY_NAME, 'a key name has 1 to 127 letters, digits and hyphens');
  }
  return name;
}
