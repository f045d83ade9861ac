import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pkcs11Attributes, pkcs11Label } from './pkcs11-tags.ts';

const read = (tag: string, text: string) => pkcs11Attributes({ [tag]: text })[0];

test.each(['p11_pri_CKA_LABEL', 'p11_pri_LABEL', 'P11_PRI_label', 'p11-pri-ckaLabel', 'p11_pri_0x3'])(
  '%s is the label of the private key',
  (tag) => {
    expect(read(tag, 'web')).toEqual({ tag, object: 'private key', attribute: 'CKA_LABEL', value: 'web' });
    expect(pkcs11Label({ other: 'x', p11_pub_CKA_LABEL: 'public', [tag]: 'web' })).toBe('web');
  },
);

test.each([
  ['p11_pri_CKA_ID', '0xCAFE', 'cafe'],
  ['p11_pri_CKA_ID', 'ca:fe', 'cafe'],
  ['p11_pri_CKA_ID', '0xafe', '0afe'],
  ['p11_pri_CKA_ID', 'yv4=', 'cafe'],
  ['p11_pri_CKA_SIGN', ' TRUE ', 'true'],
  ['p11_pri_CKA_SIGN', 'CK_FALSE', 'false'],
  ['p11_pri_CKA_END_DATE', '20300131', '2030-01-31'],
  ['p11_pri_CKA_END_DATE', '1896048000', '2030-01-31'],
  ['p11_pri_CKA_END_DATE', '', '(empty date)'],
  ['p11_pri_KEY_TYPE', 'rsa', 'CKK_RSA'],
  ['p11_pri_KEY_TYPE', 'EC-HSM', 'CKK_EC'],
  ['p11_pri_KEY_TYPE', '0x1f', 'CKK_AES'],
  ['p11_pub_modulus_bits', '2048', '2048'],
])('%s of %j means %s', (tag, text, value) => {
  expect(read(tag, text)).toMatchObject({ value });
  expect(read(tag, text)).not.toHaveProperty('damage');
});

test.each([
  ['p11_pri_CKA_SIGN', 'maybe'],
  ['p11_pri_CKA_ID', 'no id!'],
  ['p11_pri_CKA_ID', 'a'],
  ['p11_pri_CKA_END_DATE', '20300231'],
  ['p11_pri_CKA_END_DATE', 'tomorrow'],
  ['p11_pri_CKA_KEY_TYPE', 'constructor'],
])('%s of %j is damaged, and shown as it stands', (tag, text) => {
  expect(read(tag, text)).toMatchObject({ value: text, damage: expect.stringMatching(/./) });
});

describe('tags of others', () => {
  test.each(['label', 'p11_label', 'p11_pri_', 'xp11_pri_CKA_ID'])('%s is none of PKCS#11', (tag) => {
    expect(pkcs11Attributes({ [tag]: 'x' })).toEqual([]);
  });

  test('an attribute that is not known keeps its name and text', () => {
    expect(read('p11_pri_VENDOR', 'x')).toEqual({
      tag: 'p11_pri_VENDOR',
      object: 'private key',
      attribute: 'VENDOR',
      value: 'x',
    });
  });
});

test('no tags whatever make it throw', () => {
  const tag = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `p11_pri_${rest}`),
    fc.constantFrom('p11_pri_CKA_END_DATE', 'p11_pub_CKA_ID', 'p11_pri_KEY_TYPE', 'p11_pri_MODULUS_BITS'),
  );
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.bigInt().map(String));
  fc.assert(fc.property(fc.dictionary(tag, text), (tags) => Array.isArray(pkcs11Attributes(tags))));
});
