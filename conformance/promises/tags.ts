/** Attributes in tags: what is written is read back, and what others wrote is read and kept. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { holderOf, type Side, type TaggedAttribute, taggedAttributes } from '../../lib/tags/attributes.ts';
import { fitsTag, MAX_TAGS, tagName } from '../../lib/tags/codec.ts';
import { FALSE, ofText, ofUlong, TRUE } from '../../lib/tags/values.ts';
import { equal, holds } from '../client.ts';
import { codecPromise, type Promised } from '../promise.ts';

const SIDES = ['private', 'public'] as const;
const day = fc.date({ min: new Date('1990-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
const dates = day.map((date) => ofText(date.toISOString().slice(0, 10).replaceAll('-', '')));
const booleans = fc.constantFrom(TRUE, FALSE);

function arbitraryOf({ type }: TaggedAttribute): fc.Arbitrary<Uint8Array> {
  if (type === ck.CKA_LABEL) return fc.string({ unit: 'grapheme', maxLength: 40 }).map(ofText);
  if (type === ck.CKA_ID) return fc.uint8Array({ maxLength: 64 });
  if (type === ck.CKA_KEY_TYPE) return fc.constantFrom(ck.CKK_RSA, ck.CKK_EC, ck.CKK_AES, 77).map(ofUlong);
  return type === ck.CKA_START_DATE || type === ck.CKA_END_DATE ? dates : booleans;
}

const holders = taggedAttributes.flatMap((row) =>
  SIDES.filter((side) => holderOf(row, side) === side).map((side) => ({ row, side })),
);
const entry = fc
  .constantFrom(...holders)
  .chain(({ row, side }) => arbitraryOf(row).map((value) => ({ row, side, value })));
const entries = fc.uniqueArray(entry, { maxLength: 10, selector: ({ row, side }) => tagName(row, side) });
const foreign = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !/^p11/i.test(name) && name !== '__proto__'),
  fc.string({ maxLength: 20 }),
  { maxKeys: 4 },
);

type Entry = { row: TaggedAttribute; side: Side; value: Uint8Array };

function valuesOf(given: readonly Entry[]): Record<Side, Map<number, Uint8Array>> {
  const values = { private: new Map<number, Uint8Array>(), public: new Map<number, Uint8Array>() };
  for (const { row, side, value } of given) values[side].set(row.type, value);
  return values;
}

const CASES = [(text: string) => text, (text: string) => text.toLowerCase(), (text: string) => text.toUpperCase()];
const SHORTENINGS = [
  (text: string) => text,
  (text: string) => text.replace('CKA_', ''),
  (text: string) => text.replaceAll('_', '-'),
];
const spelling = fc.tuple(fc.constantFrom(...CASES), fc.constantFrom(...SHORTENINGS));

export const tagPromises: readonly Promised[] = [
  codecPromise({
    id: 'tags-round-trip',
    title: 'Attributes written to tags are read back, and what is left out is the default',
    spec: 'docs: tags',
    given: fc.tuple(entries, foreign),
    check: ({ decodeTags, encodeTags }, [given, others]) => {
      const tags = encodeTags(others, valuesOf(given));
      if (tags === null) return;
      const decoded = decodeTags(tags);
      equal(decoded.problems, [], 'the problems');
      for (const { row, side, value } of given) {
        if (fitsTag(row, value)) equal(decoded.values[side].get(row.type) ?? row.absent, value, tagName(row, side));
      }
    },
  }),
  codecPromise({
    id: 'tags-of-others-stay',
    title: 'Tags of others are kept as they are',
    spec: 'docs: tags',
    given: fc.tuple(entries, foreign),
    check: ({ encodeTags }, [given, others]) => {
      const tags = encodeTags(others, valuesOf(given));
      if (tags === null) return;
      for (const [name, text] of Object.entries(others)) equal(tags[name], text, `the tag ${JSON.stringify(name)}`);
    },
  }),
  codecPromise({
    id: 'tags-replace',
    title: 'The value written last is the one that is read, whatever spelling the earlier one had',
    spec: 'docs: tags',
    given: entry.chain(({ row, side, value }) =>
      fc.record({
        row: fc.constant(row),
        side: fc.constant(side),
        value: fc.constant(value),
        next: arbitraryOf(row),
        spelled: spelling,
      }),
    ),
    check: ({ decodeTags, encodeTags }, { row, side, value, next, spelled: [inCase, short] }) => {
      const text = row.form.write(value);
      if (text === undefined) return;
      const earlier = { [inCase(short(tagName(row, side)))]: text };
      const tags = encodeTags(earlier, valuesOf([{ row, side, value: next }]), true);
      equal(Object.keys(tags ?? {}).length, 1, 'the number of tags');
      equal(decodeTags(tags ?? {}).values[side].get(row.type), next, tagName(row, side));
    },
  }),
  codecPromise({
    id: 'tags-any-spelling',
    title: 'A tag is read with and without CKA_, in any case and with other separators',
    spec: 'docs: tags',
    given: fc.tuple(entry, spelling),
    check: ({ decodeTags }, [{ row, side, value }, [inCase, short]]) => {
      const text = row.form.write(value);
      if (text === undefined) return;
      const decoded = decodeTags({ [inCase(short(tagName(row, side)))]: text });
      equal(decoded.values[side].get(row.type), value, tagName(row, side));
    },
  }),
  codecPromise({
    id: 'tags-damage-is-told',
    title: 'A tag that cannot be read is named, and harms no other',
    spec: 'docs: tags',
    given: fc.tuple(entries, fc.constantFrom('maybe', 'x', '2', 'truth')),
    check: ({ decodeTags, encodeTags }, [given, text]) => {
      const rest = given.filter(({ row }) => row.type !== ck.CKA_SIGN);
      const tags = encodeTags({ p11_pri_CKA_SIGN: text }, valuesOf(rest), true);
      if (tags === null) return;
      const decoded = decodeTags(tags);
      equal(
        decoded.problems.map(({ tag }) => tag),
        ['p11_pri_CKA_SIGN'],
        'the tags that cannot be read',
      );
      for (const { row, side, value } of rest) equal(decoded.values[side].get(row.type), value, tagName(row, side));
    },
  }),
  codecPromise({
    id: 'tags-limit',
    title: 'Never more tags than the service grants: 15, and null says that there would be more',
    spec: 'docs: tags',
    given: fc.tuple(entries, fc.integer({ min: 0, max: 15 })),
    check: ({ encodeTags }, [given, count]) => {
      const others = Object.fromEntries(Array.from({ length: count }, (_, i) => [`other${i}`, '']));
      const tags = encodeTags(others, valuesOf(given), true);
      const needed = count + given.filter(({ row, value }) => row.form.write(value) !== undefined).length;
      holds((tags === null) === needed > MAX_TAGS, `${needed} tags are ${tags === null ? 'refused' : 'accepted'}`);
    },
  }),
  codecPromise({
    id: 'tags-as-documented',
    title: 'What is written is the documented spelling: lower-case hexadecimal, words, days',
    spec: 'docs: tags',
    given: fc.tuple(fc.uint8Array({ maxLength: 20 }), day),
    check: ({ encodeTags }, [id, date]) => {
      const digits = date.toISOString().slice(0, 10).replaceAll('-', '');
      const values = {
        private: new Map<number, Uint8Array>([[ck.CKA_ID, id]]),
        public: new Map([[ck.CKA_ENCRYPT, TRUE]]),
      };
      values.private.set(ck.CKA_START_DATE, ofText(digits)).set(ck.CKA_SIGN, FALSE);
      const promised = {
        p11_pri_CKA_ID: [...id].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
        p11_pri_CKA_START_DATE: digits,
        p11_pri_CKA_SIGN: 'false',
        p11_pub_CKA_ENCRYPT: 'true',
      };
      equal(encodeTags({}, values), promised, 'the tags');
    },
  }),
  codecPromise({
    id: 'tags-absence',
    title: 'Without a tag a key signs and verifies, and does nothing else',
    spec: 'docs: tags',
    given: fc.constantFrom(...taggedAttributes.filter(({ form }) => form.expected === 'true or false')),
    check: (_codec, { type, name, absent }) => {
      equal(absent, type === ck.CKA_SIGN || type === ck.CKA_VERIFY ? TRUE : FALSE, `what the lack of ${name} means`);
    },
  }),
  codecPromise({
    id: 'tags-own-spelling-first',
    title: 'Of two spellings of one attribute our own is read, in whatever order they come',
    spec: 'docs: tags',
    given: fc.tuple(fc.constantFrom('P11_PRI_LABEL', 'p11-pri-label', 'p11_pri_label'), fc.boolean()),
    check: ({ decodeTags }, [other, first]) => {
      const own = ['p11_pri_CKA_LABEL', 'own'];
      const both = first ? [[other, 'other'], own] : [own, [other, 'other']];
      equal(decodeTags(Object.fromEntries(both)).values.private.get(ck.CKA_LABEL), ofText('own'), 'the label');
    },
  }),
  codecPromise({
    id: 'tags-days-exist',
    title: 'A day that does not exist is no date',
    spec: 'docs: tags',
    given: fc.constantFrom('20260230', '20250229', '20260431', '20261301', '20260100', '2026-02-31'),
    check: ({ decodeTags }, text) =>
      equal(decodeTags({ p11_pri_CKA_END_DATE: text }).problems.length, 1, 'the number of problems'),
  }),
];
