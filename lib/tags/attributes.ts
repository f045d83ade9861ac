/**
 * Which PKCS#11 attributes live in the tags of a key, under which name and in which text form: one row each.
 *
 * A tag is `p11_pri_` or `p11_pub_` and the attribute's full name: `p11_pri_CKA_LABEL`. The prefixes are those of
 * Microsoft's library; what it writes behind them is not published, so we read any case, with or without `CKA_`, with
 * other separators, and the attribute's number in hexadecimal.
 *
 * The set is what a search and an enumeration ask for, so that the key list alone answers them. A value that equals its
 * default is not written. A key made here has five tags; all rows together are thirteen of the fifteen the service
 * grants.
 */

import * as cka from '../pkcs11/constants.ts';
import { type TextForm, textForms } from './text-forms.ts';
import { FALSE, TRUE } from './values.ts';

export type Side = 'private' | 'public';

export interface TaggedAttribute {
  readonly type: number;
  /** The attribute's full name; the tag's name after its prefix. */
  readonly name: string;
  readonly form: TextForm;
  /** Which of the two objects has a tag of its own. `shared`: one value for both, kept with the private key. */
  readonly on: Side | 'both' | 'shared';
  /** What the lack of the tag means on a key that has tags of ours; undefined: nothing is known. */
  readonly absent: Uint8Array | undefined;
}

const { boolean, label, byteString, date, keyType } = textForms;

export const taggedAttributes: readonly TaggedAttribute[] = [
  { type: cka.CKA_KEY_TYPE, name: 'CKA_KEY_TYPE', form: keyType, on: 'shared', absent: undefined },
  { type: cka.CKA_LABEL, name: 'CKA_LABEL', form: label, on: 'both', absent: undefined },
  { type: cka.CKA_ID, name: 'CKA_ID', form: byteString, on: 'both', absent: undefined },
  { type: cka.CKA_SIGN, name: 'CKA_SIGN', form: boolean, on: 'private', absent: TRUE },
  { type: cka.CKA_DECRYPT, name: 'CKA_DECRYPT', form: boolean, on: 'private', absent: FALSE },
  { type: cka.CKA_UNWRAP, name: 'CKA_UNWRAP', form: boolean, on: 'private', absent: FALSE },
  { type: cka.CKA_VERIFY, name: 'CKA_VERIFY', form: boolean, on: 'public', absent: TRUE },
  { type: cka.CKA_ENCRYPT, name: 'CKA_ENCRYPT', form: boolean, on: 'public', absent: FALSE },
  { type: cka.CKA_WRAP, name: 'CKA_WRAP', form: boolean, on: 'public', absent: FALSE },
  { type: cka.CKA_START_DATE, name: 'CKA_START_DATE', form: date, on: 'shared', absent: undefined },
  { type: cka.CKA_END_DATE, name: 'CKA_END_DATE', form: date, on: 'shared', absent: undefined },
];

const byType = new Map(taggedAttributes.map((row) => [row.type, row]));

/** The row of an attribute, or undefined when it is not kept in tags. */
export function taggedAttribute(type: number): TaggedAttribute | undefined {
  return byType.get(type);
}

/** The object whose tag holds the attribute when it is asked of `side`, or undefined when that object has none. */
export function holderOf(row: TaggedAttribute, side: Side): Side | undefined {
  if (row.on === 'shared') return 'private';
  return row.on === 'both' || row.on === side ? side : undefined;
}
