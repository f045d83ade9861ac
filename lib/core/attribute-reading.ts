/** C_GetAttributeValue and C_GetObjectSize (section 5.7). */

import * as ck from '../pkcs11/constants.ts';
import type { AttributeQuery, Output } from './calls.ts';
import type { AttributeValue, TokenAccess, TokenObject } from './token-access.ts';

export interface AttributeAnswer {
  rv: number;
  results: Output[];
}

interface Outcome {
  rv: number;
  output: Output;
}

const unavailable = (rv: number): Outcome => ({ rv, output: { length: ck.CK_UNAVAILABLE_INFORMATION, bytes: null } });

function outcomeOf(value: AttributeValue, capacity: number | null): Outcome {
  if (value === 'sensitive') return unavailable(ck.CKR_ATTRIBUTE_SENSITIVE);
  if (value === 'absent') return unavailable(ck.CKR_ATTRIBUTE_TYPE_INVALID);
  if (capacity === null) return { rv: ck.CKR_OK, output: { length: value.length, bytes: null } };
  if (capacity < value.length) return unavailable(ck.CKR_BUFFER_TOO_SMALL);
  // A copy: values are shared by objects and by all who ask, and a caller may do with its own what it likes.
  return { rv: ck.CKR_OK, output: { length: value.length, bytes: Uint8Array.from(value) } };
}

/** "If more than one applies, any may be returned": the one that a caller can do least about. */
const PRECEDENCE = [ck.CKR_ATTRIBUTE_SENSITIVE, ck.CKR_ATTRIBUTE_TYPE_INVALID, ck.CKR_BUFFER_TOO_SMALL];

/**
 * The values that fit, for every query: section 5.7 says that the rest of a template is filled although one attribute
 * cannot be. A length is CK_UNAVAILABLE_INFORMATION for an attribute that is sensitive (CKR_ATTRIBUTE_SENSITIVE), not
 * the object's (CKR_ATTRIBUTE_TYPE_INVALID) or longer than the buffer (CKR_BUFFER_TOO_SMALL); the code is in `rv`.
 * Rejects only as the HSM does.
 */
export async function readAttributes(
  access: TokenAccess,
  object: TokenObject,
  queries: readonly AttributeQuery[],
): Promise<AttributeAnswer> {
  const results: Output[] = [];
  const codes = new Set<number>();
  for (const { type, capacity } of queries) {
    const value = access.isAtHand(object, type) ? access.valueAtHand(object, type) : await access.value(object, type);
    const { rv, output } = outcomeOf(value, capacity);
    codes.add(rv);
    results.push(output);
  }
  return { rv: PRECEDENCE.find((rv) => codes.has(rv)) ?? ck.CKR_OK, results };
}

/** Bytes of a CK_ATTRIBUTE on LP64. */
const ATTRIBUTE_BYTES = 24;

/** Bytes that the object's readable attributes take in memory: the measure is the token's own to choose. */
export async function objectSize(access: TokenAccess, object: TokenObject): Promise<number> {
  await access.value(object, ck.CKA_PUBLIC_KEY_INFO);
  let size = 0;
  for (const type of access.readableTypes(object)) {
    const value = await access.value(object, type);
    if (typeof value !== 'string') size += ATTRIBUTE_BYTES + value.length;
  }
  return size;
}
