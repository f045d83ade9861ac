/**
 * The bytes of attribute values as PKCS#11 2.40 lays them out in memory (section 4.1 and the CK_ types of section 3) on
 * the platforms we serve: LP64, little-endian, so that a CK_ULONG has 8 bytes.
 */

import { CK_UNAVAILABLE_INFORMATION } from '../pkcs11/constants.ts';

export const TRUE = Uint8Array.of(1);
export const FALSE = Uint8Array.of(0);
export const EMPTY = new Uint8Array(0);

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();

/** CK_BBOOL: one byte. */
export function ofBoolean(value: boolean): Uint8Array {
  return value ? TRUE : FALSE;
}

/** The boolean in a CK_BBOOL, or undefined when the bytes are none. */
export function toBoolean(bytes: Uint8Array): boolean | undefined {
  if (bytes.length !== 1) return undefined;
  if (bytes[0] === 1) return true;
  return bytes[0] === 0 ? false : undefined;
}

/** CK_ULONG: 8 bytes, little-endian. CK_UNAVAILABLE_INFORMATION becomes all ones. */
export function ofUlong(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  if (value === CK_UNAVAILABLE_INFORMATION) return bytes.fill(0xff);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value >>> 0, true);
  view.setUint32(4, Math.floor(value / 2 ** 32), true);
  return bytes;
}

/** The number in a CK_ULONG, or undefined when the bytes are none. Beyond 2^53-1: CK_UNAVAILABLE_INFORMATION. */
export function toUlong(bytes: Uint8Array): number | undefined {
  if (bytes.length !== 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const high = view.getUint32(4, true);
  return high > 0x1f_ffff ? CK_UNAVAILABLE_INFORMATION : high * 2 ** 32 + view.getUint32(0, true);
}

export function ofText(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** The text in an RFC 2279 string, or undefined when the bytes are not UTF-8. */
export function toText(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** CK_DATE: eight ASCII digits YYYYMMDD; the empty date is no bytes at all (section 4.1). */
export function ofDate(yyyymmdd: string): Uint8Array {
  return ofText(yyyymmdd);
}

/** `YYYYMMDD` of a day that exists, `''` for the empty date, or undefined when the bytes are no date. */
export function toDate(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return '';
  const text = toText(bytes);
  return text !== undefined && startOfDay(text) !== undefined ? text : undefined;
}

/** Unix seconds at the start (UTC) of a day `YYYYMMDD`, or undefined when there is no such day. */
export function startOfDay(yyyymmdd: string): number | undefined {
  if (!/^\d{8}$/.test(yyyymmdd)) return undefined;
  const iso = `${yyyymmdd.slice(0, 4)}-${yyyymmdd.slice(4, 6)}-${yyyymmdd.slice(6)}`;
  const seconds = Date.parse(`${iso}T00:00:00Z`) / 1000;
  return Number.isNaN(seconds) || dayOf(seconds) !== yyyymmdd ? undefined : seconds;
}

/** The UTC day of a time in unix seconds, as `YYYYMMDD`; empty for a time that has no four-digit year. */
export function dayOf(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return '';
  return date.toISOString().slice(0, 10).replaceAll('-', '');
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
