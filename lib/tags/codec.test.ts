import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { holderOf, type Side, type TaggedAttribute, taggedAttributes } from './attributes.ts';
import { decodeTags, encodeTags, fitsTag, MAX_TAG_CHARACTERS, MAX_TAGS, tagName } from './codec.ts';
import { EMPTY, FALSE, ofDate, ofText, ofUlong, TRUE, toText } from './values.ts';

const SIDES = ['private', 'public'] as const;

const days = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => ofDate(date.toISOString().slice(0, 10).replaceAll('-', '')));

const valueArbitraries: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  'true or false': fc.constantFrom(TRUE, FALSE),
  'UTF-8 text': fc.string({ unit: 'grapheme', maxLength: 40 }).map(ofText),
  'hexadecimal digits or base64': fc.uint8Array({ maxLength: 128 }),
  'a date YYYYMMDD': fc.oneof(days, fc.constant(EMPTY)),
  'RSA or EC': fc.oneof(fc.constantFrom(ck.CKK_RSA, ck.CKK_EC, ck.CKK_AES), fc.nat()).map(ofUlong),
};

const arbitraryOf = (row: TaggedAttribute) => valueArbitraries[row.form.expected] ?? fc.constant(EMPTY);
const holders = taggedAttributes.flatMap((row) =>
  SIDES.filter((side) => holderOf(row, side) === side).map((side) => ({ row, side })),
);

/** Values for some of the attributes, on the objects that hold them. */
const someValues = fc
  .tuple(...holders.map(({ row }) => fc.option(arbitraryOf(row), { nil: undefined })))
  .map((values) => {
    const some: Record<Side, Map<number, Uint8Array>> = { private: new Map(), public: new Map() };
    holders.forEach(({ row, side }, i) => {
      const value = values[i];
      if (value !== undefined && fitsTag(row, value)) some[side].set(row.type, value);
    });
    return some;
  });

const foreignTags = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !/^p11/i.test(name)),
  fc.string({ maxLength: 20 }),
  { maxKeys: 2 },
);

const read = (tag: string, text: string) => {
  const { values, problems } = decodeTags({ [tag]: text });
  return { value: values.private.values().next().value ?? values.public.values().next().value, problems };
};

describe('round trip', () => {
  test('what is written is read back; what is left out is the default', () => {
    fc.assert(
      fc.property(someValues, foreignTags, (values, others) => {
        const tags = encodeTags(others, values);
        fc.pre(tags !== null);
        const decoded = decodeTags(tags);
        expect(decoded.problems).toEqual([]);
        for (const { row, side } of holders) {
          expect(decoded.values[side].get(row.type) ?? row.absent).toEqual(values[side].get(row.type) ?? row.absent);
        }
        expect(tags).toMatchObject(others);
      }),
    );
  });

  test('the tags stay within the limits of the service', () => {
    fc.assert(
      fc.property(someValues, foreignTags, (values, others) => {
        const tags = encodeTags(others, values) ?? {};
        expect(Object.keys(tags).length).toBeLessThanOrEqual(MAX_TAGS);
        for (const [name, text] of Object.entries(tags)) {
          expect(Math.max(name.length, text.length)).toBeLessThanOrEqual(MAX_TAG_CHARACTERS);
        }
      }),
    );
  });

  test('setting an attribute again leaves nothing of the first time', () => {
    fc.assert(
      fc.property(someValues, someValues, (first, second) => {
        const before = encodeTags({}, first);
        fc.pre(before !== null);
        const after = encodeTags(before, second) ?? {};
        const decoded = decodeTags(after);
        for (const { row, side } of holders) {
          const expected = second[side].get(row.type) ?? first[side].get(row.type) ?? row.absent;
          expect(decoded.values[side].get(row.type) ?? row.absent).toEqual(expected);
        }
      }),
    );
  });
});

describe('names', () => {
  test('are the prefix of the object and the name of the attribute', () => {
    const values = {
      private: new Map([[ck.CKA_LABEL, ofText('web')]]),
      public: new Map([[ck.CKA_ID, Uint8Array.of(0xca, 0xfe)]]),
    };
    expect(encodeTags({}, values)).toEqual({ p11_pri_CKA_LABEL: 'web', p11_pub_CKA_ID: 'cafe' });
  });

  test.each([
    'p11_pri_CKA_LABEL',
    'p11_pri_LABEL',
    'p11_pri_label',
    'P11_PRI_Label',
    'p11-pri-cka-label',
    'p11_pri_ckaLabel',
    'p11_pri_0x3',
    'p11_pri_0x00000003',
  ])('%s is the label of the private key', (tag) => {
    expect(decodeTags({ [tag]: 'web' }).values.private.get(ck.CKA_LABEL)).toEqual(ofText('web'));
  });

  test.each(['p11_pri_KEY_TYPE', 'p11_pub_keyType', 'p11_pub_CKA_KEY_TYPE'])('%s is the type of both', (tag) => {
    expect(decodeTags({ [tag]: 'EC' }).values.private.get(ck.CKA_KEY_TYPE)).toEqual(ofUlong(ck.CKK_EC));
  });

  test.each(['p11_label', 'label', 'p11_pri_', 'p11_pri_SOMETHING', 'p11_pub_CKA_SIGN', 'xp11_pri_CKA_ID'])(
    '%s is not ours',
    (tag) => {
      const { values, problems } = decodeTags({ [tag]: '\u0000?' });
      expect([values.private.size, values.public.size, problems.length]).toEqual([0, 0, 0]);
    },
  );

  test('of two spellings our own wins, then the first by name, in whatever order they come', () => {
    const tags = { p11_pri_label: 'b', P11_PRI_LABEL: 'a', p11_pri_CKA_LABEL: 'ours' };
    const label = (of: Record<string, string>) => toText(decodeTags(of).values.private.get(ck.CKA_LABEL) ?? EMPTY);
    expect(label(tags)).toBe('ours');
    expect(label(Object.fromEntries(Object.entries(tags).reverse()))).toBe('ours');
    expect(label({ p11_pri_label: 'b', P11_PRI_LABEL: 'a' })).toBe('a');
  });

  test('a tag named __proto__ is kept like any other', () => {
    const others = Object.fromEntries([['__proto__', 'x']]);
    const kept = encodeTags(others, { private: new Map([[ck.CKA_ID, TRUE]]), public: new Map() });
    expect(Object.keys(kept ?? {})).toEqual(['__proto__', 'p11_pri_CKA_ID']);
  });
});

describe('text forms', () => {
  test.each(['true', 'TRUE', '1', 'yes', 'CK_TRUE', ' True ', '01'])('%s is true', (text) => {
    expect(read('p11_pri_CKA_SIGN', text).value).toEqual(TRUE);
  });

  test.each(['false', '0', 'no', 'CK_FALSE', 'Off'])('%s is false', (text) => {
    expect(read('p11_pri_CKA_SIGN', text).value).toEqual(FALSE);
  });

  test.each([
    ['cafe', 'cafe'],
    ['CAFE', 'cafe'],
    ['0xCAFE', 'cafe'],
    ['0xafe', '0afe'],
    ['ca:fe', 'cafe'],
    ['CA FE', 'cafe'],
    ['yv4=', 'cafe'],
    ['yv4', 'cafe'],
    ['-_8', 'fbff'],
    ['+/8=', 'fbff'],
    ['', ''],
  ])('the id %j is %s', (text, hex) => {
    expect(Buffer.from(read('p11_pri_CKA_ID', text).value ?? ofText('none')).toString('hex')).toBe(hex);
  });

  test.each([
    ['20300131', '20300131'],
    ['2030-01-31', '20300131'],
    ['2030-01-31T10:11:12Z', '20300131'],
    ['1896048000', '20300131'],
    ['', ''],
  ])('the date %j is %s', (text, date) => {
    expect(read('p11_pri_CKA_END_DATE', text).value).toEqual(ofDate(date));
  });

  test.each(['RSA', 'rsa', 'CKK_RSA', 'RSA-HSM', '0', '0x0', '0x00000000'])('the key type %s is CKK_RSA', (text) => {
    expect(read('p11_pri_CKA_KEY_TYPE', text).value).toEqual(ofUlong(ck.CKK_RSA));
  });

  test.each(['EC', 'ecdsa', 'CKK_EC', 'CKK_ECDSA', 'EC-HSM', '3', '0x3'])('the key type %s is CKK_EC', (text) => {
    expect(read('p11_pri_CKA_KEY_TYPE', text).value).toEqual(ofUlong(ck.CKK_EC));
  });
});

describe('damage', () => {
  test.each([
    ['p11_pri_CKA_SIGN', 'maybe'],
    ['p11_pri_CKA_ID', 'not an id!'],
    ['p11_pri_CKA_ID', 'a'],
    ['p11_pri_CKA_END_DATE', '20300231'],
    ['p11_pri_CKA_END_DATE', 'tomorrow'],
    ['p11_pri_CKA_KEY_TYPE', 'constructor'],
    ['p11_pri_CKA_KEY_TYPE', 'DES17'],
    ['p11_pri_CKA_KEY_TYPE', '-1'],
    ['p11_pri_CKA_KEY_TYPE', '99999999999999999999'],
    ['p11_pub_CKA_VERIFY', 'true\u0000'],
  ])('%s of %j is a problem with a name, and no value', (tag, text) => {
    const { value, problems } = read(tag, text);
    expect(value).toBeUndefined();
    expect(problems).toMatchObject([{ tag, text }]);
  });

  test('a value that no service should give is a problem, shown as far as a tag goes', () => {
    const { value, problems } = read('p11_pri_CKA_LABEL', 'x'.repeat(100_000));
    expect(value).toBeUndefined();
    expect(problems).toEqual([
      { tag: 'p11_pri_CKA_LABEL', text: 'x'.repeat(MAX_TAG_CHARACTERS), expected: 'short enough for a tag' },
    ]);
  });

  test('no tags whatever make decoding throw', () => {
    const anyTag = fc.oneof(
      fc.string(),
      fc.constantFrom(...holders.map(({ row, side }) => tagName(row, side))),
      fc.string().map((rest) => `p11_pri_${rest}`),
    );
    fc.assert(
      fc.property(fc.dictionary(anyTag, fc.string({ unit: 'binary' })), (tags) => {
        expect(() => decodeTags(tags)).not.toThrow();
      }),
    );
  });

  test('a value that no tag can hold is told beforehand', () => {
    const [label, id] = [ck.CKA_LABEL, ck.CKA_ID].map((type) => taggedAttributes.find((row) => row.type === type));
    expect(label && fitsTag(label, ofText('x'.repeat(257)))).toBe(false);
    expect(label && fitsTag(label, Uint8Array.of(0xff))).toBe(false);
    expect(id && fitsTag(id, new Uint8Array(128))).toBe(true);
    expect(id && fitsTag(id, new Uint8Array(129))).toBe(false);
  });

  test('more tags than a key can have are refused', () => {
    const others = Object.fromEntries(Array.from({ length: MAX_TAGS }, (_, i) => [`other${i}`, '']));
    expect(encodeTags(others, { private: new Map([[ck.CKA_ID, TRUE]]), public: new Map() })).toBeNull();
  });
});
