/**
 * How attribute values are spelled in tags. Each form writes one spelling and reads every plausible one; reading gives
 * undefined for a text that is none of them. Values are the bytes of the PKCS#11 attribute (values.ts).
 */

import { CKK_EC, CKK_RSA } from '../pkcs11/constants.ts';
import { constantOf, nameOf } from '../pkcs11/names.ts';
import * as values from './values.ts';

export interface TextForm {
  /** What a text should look like, for messages. */
  readonly expected: string;
  write(value: Uint8Array): string | undefined;
  read(text: string): Uint8Array | undefined;
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['true', '1', 'yes', 'y', 'on', 'ck_true', '01', '0x1', '0x01'].map((text) => [text, true])),
  ...Object.fromEntries(['false', '0', 'no', 'n', 'off', 'ck_false', '00', '0x0', '0x00'].map((text) => [text, false])),
};

const boolean: TextForm = {
  expected: 'true or false',
  write: (value) => values.toBoolean(value)?.toString(),
  read: (text) => {
    const known = Object.hasOwn(BOOLEANS, text.trim().toLowerCase()) ? BOOLEANS[text.trim().toLowerCase()] : undefined;
    return known === undefined ? undefined : values.ofBoolean(known);
  },
};

const label: TextForm = {
  expected: 'UTF-8 text',
  write: (value) => values.toText(value),
  read: (text) => values.ofText(text),
};

function ofHex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/**
 * Written as lower-case hexadecimal. Read in this order, the first that fits: `0x` and digits (an odd count gets a zero
 * in front); pairs with a colon or a space between; an even count of hexadecimal digits; base64 or base64url, with or
 * without padding. A text that is hexadecimal and base64 at once is thus hexadecimal.
 */
const byteString: TextForm = {
  expected: 'hexadecimal digits or base64',
  write: (value) => Buffer.from(value).toString('hex'),
  read: (text) => {
    const trimmed = text.trim();
    const prefixed = /^0x([0-9a-f]*)$/i.exec(trimmed)?.[1];
    if (prefixed !== undefined) return ofHex(prefixed.length % 2 === 0 ? prefixed : `0${prefixed}`);
    if (/^[0-9a-f]{2}([: ][0-9a-f]{2})*$/i.test(trimmed)) return ofHex(trimmed.replaceAll(/[: ]/g, ''));
    if (/^([0-9a-f]{2})*$/i.test(trimmed)) return ofHex(trimmed);
    const base64 = /^([0-9a-z+/_-]+)={0,2}$/i.exec(trimmed)?.[1];
    if (base64 === undefined || base64.length % 4 === 1) return undefined;
    return Uint8Array.from(Buffer.from(base64, 'base64url'));
  },
};

/** Written as YYYYMMDD, the empty date as nothing. Read too: YYYY-MM-DD with or without a time, and unix seconds. */
const date: TextForm = {
  expected: 'a date YYYYMMDD',
  write: (value) => values.toDate(value),
  read: (text) => {
    const trimmed = text.trim();
    if (trimmed === '') return values.EMPTY;
    if (/^\d{9,11}$/.test(trimmed)) return values.ofDate(values.dayOf(Number(trimmed)));
    const day = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$/.exec(trimmed);
    const digits = day === null ? '' : `${day[1]}${day[2]}${day[3]}`;
    return values.startOfDay(digits) === undefined ? undefined : values.ofDate(digits);
  },
};

/** One value for all keys of a type: a list has thousands. */
const RSA = values.ofUlong(CKK_RSA);
const EC = values.ofUlong(CKK_EC);
const KEY_TYPES = new Map([
  ['RSA', RSA],
  ['RSAHSM', RSA],
  ['EC', EC],
  ['ECHSM', EC],
  ['ECDSA', EC],
]);

/** Written as RSA or EC, another type by its full name or number. Read: the same, CKK_ names, JWK names and numbers. */
const keyType: TextForm = {
  expected: 'RSA or EC',
  write: (value) => {
    const type = values.toUlong(value);
    if (type === undefined) return undefined;
    if (type === CKK_RSA) return 'RSA';
    if (type === CKK_EC) return 'EC';
    const name = nameOf('CKK', type).split(' ')[0] ?? '';
    return constantOf('CKK', name) === type ? name : `0x${type.toString(16)}`;
  },
  read: (text) => {
    const asWritten = KEY_TYPES.get(text);
    if (asWritten !== undefined) return asWritten;
    const trimmed = text.trim().toUpperCase();
    if (/^(0X[0-9A-F]{1,12}|\d{1,12})$/.test(trimmed)) return values.ofUlong(Number(trimmed));
    const short = trimmed.replace(/^CKK_/, '');
    const type = constantOf('CKK', `CKK_${short}`);
    return KEY_TYPES.get(short.replaceAll('-', '')) ?? (type === undefined ? undefined : values.ofUlong(type));
  },
};

export const textForms = { boolean, label, byteString, date, keyType } as const satisfies Record<string, TextForm>;
