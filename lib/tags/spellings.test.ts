/** How others may spell the tags that we write: the same attribute, the same value. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { holderOf, type Side, type TaggedAttribute, taggedAttributes } from './attributes.ts';
import { decodeTags, encodeTags } from './codec.ts';
import { FALSE, ofDate, ofText, ofUlong, TRUE } from './values.ts';

const holders = taggedAttributes.flatMap((row) =>
  (['private', 'public'] as const).filter((side) => holderOf(row, side) === side).map((side) => ({ row, side })),
);

const bare = (row: TaggedAttribute) => row.name.slice('CKA_'.length);
const camel = (name: string) => name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
const hexadecimal = (row: TaggedAttribute, digits: number) => `0x${row.type.toString(16).padStart(digits, '0')}`;

const NAMES: Readonly<Record<string, (row: TaggedAttribute) => string>> = {
  'CKA_ in front': (row) => row.name,
  'no CKA_': bare,
  'lower case': (row) => row.name.toLowerCase(),
  'lower case, no CKA_': (row) => bare(row).toLowerCase(),
  camelCase: (row) => camel(bare(row)),
  'camelCase after cka': (row) => camel(row.name),
  hyphens: (row) => row.name.replaceAll('_', '-'),
  dots: (row) => row.name.replaceAll('_', '.'),
  spaces: (row) => bare(row).replaceAll('_', ' '),
  'no separator': (row) => bare(row).replaceAll('_', ''),
  'its number': (row) => hexadecimal(row, 1),
  'its number, eight digits': (row) => hexadecimal(row, 8),
  'its number, capitals': (row) => hexadecimal(row, 8).toUpperCase().replace('0X', '0x'),
};
const PREFIXES: Readonly<Record<Side, readonly string[]>> = {
  private: ['p11_pri_', 'P11_PRI_', 'p11-pri-', 'p11.pri.', 'P11pri'],
  public: ['p11_pub_', 'P11_PUB_', 'p11-pub-', 'p11.pub.', 'P11pub'],
};

const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
const pairs = (value: Uint8Array, between: string) => (hex(value).match(/../g) ?? []).join(between);
const iso = (day: string) => day.replace(/^(....)(..)(..)$/, '$1-$2-$3');
const TRUES = ['true', 'TRUE', 'True', '1', 'CK_TRUE', 'ck_true', 'yes', '0x01', '0x1', '01', 'on', ' true '];
const FALSES = ['false', 'FALSE', 'False', '0', 'CK_FALSE', 'ck_false', 'no', '0x00', '0x0', '00', 'off', ' false '];
const RSA = ['RSA', 'rsa', 'CKK_RSA', 'ckk_rsa', '0', '0x0', '0x00000000', 'RSA-HSM'];
const EC = ['EC', 'ec', 'CKK_EC', 'CKK_ECDSA', 'ecdsa', '3', '0x3', '0x00000003', 'EC-HSM'];

interface Kind {
  readonly values: fc.Arbitrary<Uint8Array>;
  readonly spellings: (value: Uint8Array) => readonly string[];
}

/** By what the form expects: values, and how each may be spelled. */
const KINDS: Readonly<Record<string, Kind>> = {
  'true or false': {
    values: fc.constantFrom(TRUE, FALSE),
    spellings: ([bit]) => (bit === 1 ? TRUES : FALSES),
  },
  'UTF-8 text': {
    values: fc.string({ unit: 'grapheme', maxLength: 20 }).map(ofText),
    spellings: (value) => [Buffer.from(value).toString()],
  },
  'hexadecimal digits or base64': {
    // 0xff in front: no base64 of it can be read as hexadecimal, which goes first.
    values: fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Uint8Array.of(0xff, ...bytes)),
    spellings: (value) => [
      ...[hex(value), hex(value).toUpperCase(), `0x${hex(value)}`, `0X${hex(value)}`, ` ${hex(value)} `],
      ...[pairs(value, ':'), pairs(value, ':').toUpperCase(), pairs(value, ' ')],
      ...[Buffer.from(value).toString('base64'), Buffer.from(value).toString('base64url')],
    ],
  },
  'a date YYYYMMDD': {
    values: fc
      .date({ min: new Date('1980-01-01'), max: new Date('4000-01-01'), noInvalidDate: true })
      .map((date) => ofDate(date.toISOString().slice(0, 10).replaceAll('-', ''))),
    spellings: (value) => {
      const day = Buffer.from(value).toString();
      const seconds = Date.parse(iso(day)) / 1000;
      return [day, iso(day), `${iso(day)}T00:00:00Z`, `${iso(day)} 12:00:00`, ` ${day} `, String(seconds)];
    },
  },
  'RSA or EC': {
    values: fc.constantFrom(ofUlong(ck.CKK_RSA), ofUlong(ck.CKK_EC)),
    spellings: ([low]) => (low === ck.CKK_RSA ? RSA : EC),
  },
};

function kindOf(row: TaggedAttribute): Kind {
  const kind = KINDS[row.form.expected];
  if (kind === undefined) throw new Error(`no spellings for ${row.form.expected}`);
  return kind;
}

describe.each(Object.entries(NAMES))('an attribute written with %s', (_how, spelled) => {
  test.each(holders)('is $row.name of the $side key, behind any prefix, in any form of its value', ({ row, side }) => {
    for (const value of fc.sample(kindOf(row).values, { numRuns: 4, seed: row.type })) {
      for (const prefix of PREFIXES[side]) {
        for (const text of kindOf(row).spellings(value)) {
          const { values, problems } = decodeTags({ [prefix + spelled(row)]: text });
          expect([text, values[side].get(row.type), problems]).toEqual([text, value, []]);
        }
      }
    }
  });
});

const someHolders = fc.subarray(holders, { minLength: 1 });

test('tags of ours, each spelled in another way, say the same', () => {
  const respelled = someHolders.chain((some) =>
    fc.tuple(
      ...some.map(({ row, side }) =>
        kindOf(row).values.chain((value) =>
          fc.record({
            row: fc.constant(row),
            side: fc.constant(side),
            value: fc.constant(value),
            prefix: fc.constantFrom(...PREFIXES[side]),
            name: fc.constantFrom(...Object.values(NAMES)),
            text: fc.constantFrom(...kindOf(row).spellings(value)),
          }),
        ),
      ),
    ),
  );
  fc.assert(
    fc.property(respelled, (attributes) => {
      const values = { private: new Map<number, Uint8Array>(), public: new Map<number, Uint8Array>() };
      for (const { row, side, value } of attributes) values[side].set(row.type, value);
      const others = attributes.map(({ row, prefix, name, text }) => [prefix + name(row), text]);
      const ours = encodeTags({}, values, true);
      fc.pre(ours !== null);
      expect(decodeTags(Object.fromEntries(others))).toEqual(decodeTags(ours));
    }),
  );
});

test.each([
  ['p11_pri_CKA_CLASS', 'CKO_PRIVATE_KEY'],
  ['p11_pub_CKA_CLASS', 'CKO_PUBLIC_KEY'],
  ['p11_pri_CKA_TOKEN', 'maybe'],
  ['p11_pri_CKA_PRIVATE', 'CK_TRUE'],
  ['p11_pri_CKA_SENSITIVE', '1'],
  ['p11_pri_CKA_EXTRACTABLE', '\u0000'],
  ['p11_pri_CKA_ALWAYS_SENSITIVE', ''],
  ['p11_pri_CKA_KEY_GEN_MECHANISM', 'CKM_RSA_PKCS_KEY_PAIR_GEN'],
  ['p11_pub_CKA_MODULUS_BITS', '2048'],
  ['p11_pub_CKA_EC_PARAMS', '06082a8648ce3d030107'],
  ['p11_pri_CKO_PRIVATE_KEY', 'true'],
  ['p11_pri_0x0', '3'],
  ['p11_pri_0x80000001', 'x'],
])('%s, which we do not keep, does no harm and is not lost', (tag, text) => {
  const kept = { p11_pri_CKA_ID: '01', [tag]: text };
  const { values, problems } = decodeTags(kept);
  expect([[...values.private.keys()], values.public.size, problems]).toEqual([[ck.CKA_ID], 0, []]);
  expect(encodeTags(kept, { private: new Map([[ck.CKA_ID, Uint8Array.of(2)]]), public: new Map() })).toEqual({
    p11_pri_CKA_ID: '02',
    [tag]: text,
  });
});
