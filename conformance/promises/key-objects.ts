/** The key objects of the suite as searches and readings are about them. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { FALSE, ofUlong, TRUE } from '../../lib/tags/values.ts';
import type { Attribute } from '../../lib/wire/schema.ts';
import { attribute, classIs, labelIs } from '../client.ts';
import { type TestKey, testKeys } from '../keys.ts';

export const anyKey = fc.constantFrom(...testKeys);

/** What a private key of the suite has, as a search names it. */
export const attributesOf = (key: TestKey): Attribute[] => [
  classIs(ck.CKO_PRIVATE_KEY),
  labelIs(key.label),
  attribute(ck.CKA_ID, key.id),
  attribute(ck.CKA_KEY_TYPE, ofUlong(key.keyType)),
  attribute(ck.CKA_TOKEN, TRUE),
  attribute(ck.CKA_PRIVATE, TRUE),
  attribute(ck.CKA_SENSITIVE, TRUE),
  attribute(ck.CKA_EXTRACTABLE, FALSE),
  attribute(ck.CKA_SIGN, TRUE),
];

/** A key of the suite, and a search by some of its attributes. */
export const someAttributes = anyKey.chain((key) =>
  fc.record({ key: fc.constant(key), template: fc.shuffledSubarray(attributesOf(key)) }),
);
