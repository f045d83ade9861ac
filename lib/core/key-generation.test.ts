import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { EMPTY, FALSE, ofDate, ofText, ofUlong, TRUE, toText } from '../tags/values.ts';
import type { Attribute } from './calls.ts';
import { curves } from './curves.ts';
import type { CurveName } from './hsm.ts';
import { unreachable } from './memory-hsm.ts';
import { attribute, Client, classIs, codeOf, labelIs, RO, setUp } from './test-client.ts';

const token = attribute(ck.CKA_TOKEN, TRUE);
const bits = (number: number) => attribute(ck.CKA_MODULUS_BITS, ofUlong(number));
const p256 = attribute(ck.CKA_EC_PARAMS, curves['P-256'].oid);
const named = (name: string) => attribute(CKA_MHSM_KEY_NAME, ofText(name));

async function fresh() {
  const setup = setUp();
  const client = await Client.open(setup.library);
  const ec = (publicMore: Attribute[] = [], privateMore: Attribute[] = []) =>
    client.generate(ck.CKM_EC_KEY_PAIR_GEN, [p256, ...publicMore], [token, ...privateMore]);
  const rsa = (publicMore: Attribute[] = [], privateMore: Attribute[] = []) =>
    client.generate(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, publicMore, [token, ...privateMore]);
  const only = () => {
    const [name = ''] = [...setup.hsm.keys.keys()];
    return setup.hsm.version(name);
  };
  return { ...setup, client, ec, rsa, only };
}

describe('C_GenerateKeyPair', () => {
  test.each([2048, 3072, 4096])('makes RSA keys of %d bits', async (size) => {
    const { client } = await fresh();
    const { publicKey } = await client.generateRsa('rsa', size);
    expect(await client.get(publicKey, ck.CKA_MODULUS_BITS)).toEqual(ofUlong(size));
  });

  test.each(Object.keys(curves) as CurveName[])('makes EC keys on %s', async (curve) => {
    const { client } = await fresh();
    const { privateKey } = await client.generateEc('ec', curve);
    expect(await client.get(privateKey, ck.CKA_EC_PARAMS)).toEqual(curves[curve].oid);
  });

  test('names the key p11- and 32 hexadecimal digits, from the randomness it was given', async () => {
    const { library, hsm } = setUp(undefined, {}, { random: (n) => new Uint8Array(n).fill(0xab) });
    await (await Client.open(library)).generateEc('web');
    expect([...hsm.keys.keys()]).toEqual([`p11-${'ab'.repeat(16)}`]);
  });

  test('describes the key in five tags, the defaults left out', async () => {
    const { client, only } = await fresh();
    await client.generateRsa('web');
    const id = createHash('sha1').update(only().name).digest('hex');
    expect(only().tags).toEqual({
      p11_pri_CKA_KEY_TYPE: 'RSA',
      p11_pri_CKA_LABEL: 'web',
      p11_pri_CKA_ID: id,
      p11_pub_CKA_LABEL: 'web',
      p11_pub_CKA_ID: id,
    });
    expect(only().operations).toEqual(['sign', 'verify']);
  });

  test('gives each object its own label, and one id to both', async () => {
    const { client, ec } = await fresh();
    const id = attribute(ck.CKA_ID, Uint8Array.of(1, 2));
    const { privateKey, publicKey } = await ec([labelIs('public')], [labelIs('private'), id]);
    expect(await client.getText(publicKey, ck.CKA_LABEL)).toBe('public');
    expect(await client.getText(privateKey, ck.CKA_LABEL)).toBe('private');
    expect(await client.get(publicKey, ck.CKA_ID)).toEqual(Uint8Array.of(1, 2));
    expect(await client.find(id)).toHaveLength(2);
  });

  test('gives handles that a search gives too, in this process and the next, without reading the key', async () => {
    const { client, hsm, ec } = await fresh();
    const { privateKey, publicKey } = await ec([labelIs('web')], [labelIs('web')]);
    expect((await client.find(labelIs('web'))).sort()).toEqual([privateKey, publicKey].sort());
    const next = await Client.open(setUp(hsm).library);
    expect((await next.find(labelIs('web'))).sort()).toEqual([privateKey, publicKey].sort());
    expect(hsm.count('getKey')).toBe(0);
  });

  test('turns usage and dates into key operations and lifetime', async () => {
    const { rsa, only } = await fresh();
    const start = attribute(ck.CKA_START_DATE, ofDate('20300101'));
    const end = attribute(ck.CKA_END_DATE, ofDate('20301231'));
    await rsa(
      [bits(2048), attribute(ck.CKA_WRAP, TRUE), start],
      [attribute(ck.CKA_SIGN, FALSE), attribute(ck.CKA_DECRYPT, TRUE), start, end],
    );
    expect([...only().operations].sort()).toEqual(['decrypt', 'verify', 'wrapKey']);
    expect(only().tags).toMatchObject({
      p11_pri_CKA_SIGN: 'false',
      p11_pri_CKA_DECRYPT: 'true',
      p11_pub_CKA_WRAP: 'true',
      p11_pri_CKA_START_DATE: '20300101',
      p11_pri_CKA_END_DATE: '20301231',
    });
    expect(only().notBefore).toBe(Date.UTC(2030, 0, 1) / 1000);
    expect(only().expires).toBe(Date.UTC(2031, 0, 1) / 1000 - 1);
  });

  test('takes what pkcs11-tool asks for, and says CKA_DERIVE false', async () => {
    const { client } = await fresh();
    const derive = attribute(ck.CKA_DERIVE, TRUE);
    const type = attribute(ck.CKA_KEY_TYPE, ofUlong(ck.CKK_EC));
    const id = attribute(ck.CKA_ID, Uint8Array.of(7));
    const both = [token, derive, type, labelIs('x'), id];
    const { privateKey } = await client.generate(
      ck.CKM_EC_KEY_PAIR_GEN,
      [classIs(ck.CKO_PUBLIC_KEY), attribute(ck.CKA_VERIFY, TRUE), p256, attribute(ck.CKA_PRIVATE, FALSE), ...both],
      [
        classIs(ck.CKO_PRIVATE_KEY),
        attribute(ck.CKA_PRIVATE, TRUE),
        attribute(ck.CKA_SENSITIVE, TRUE),
        attribute(ck.CKA_SIGN, TRUE),
        ...both,
      ],
    );
    expect(await client.get(privateKey, ck.CKA_DERIVE)).toEqual(FALSE);
  });

  test('takes a chosen name, but not one that exists', async () => {
    const { client, ec, hsm } = await fresh();
    const { privateKey } = await ec([], [named('web-tls')]);
    expect(await client.getText(privateKey, CKA_MHSM_KEY_NAME)).toBe('web-tls');
    expect(await client.getText(privateKey, ck.CKA_LABEL)).toBe('web-tls');
    expect(await codeOf(() => ec([], [named('WEB-tls')]))).toBe(ck.CKR_ATTRIBUTE_VALUE_INVALID);
    expect(hsm.keys.get('web-tls')).toHaveLength(1);
    for (const name of ['', 'a_b', 'a/b', 'x'.repeat(128)]) {
      expect(await codeOf(() => ec([], [named(name)]))).toBe(ck.CKR_ATTRIBUTE_VALUE_INVALID);
    }
  });

  test('needs a read-write session and a login', async () => {
    const { library } = setUp();
    const readOnly = await Client.open(library, { flags: RO });
    expect(await codeOf(() => readOnly.generateEc('x'))).toBe(ck.CKR_SESSION_READ_ONLY);
    const nobody = await Client.open(library, { login: false });
    expect(await codeOf(() => nobody.generateEc('x'))).toBe(ck.CKR_USER_NOT_LOGGED_IN);
  });

  test('passes the HSM’s error on', async () => {
    const { client, hsm } = await fresh();
    hsm.fail('createKey', unreachable());
    expect(await codeOf(() => client.generateEc('x'))).toBe(ck.CKR_DEVICE_ERROR);
  });

  const ec = ck.CKM_EC_KEY_PAIR_GEN;
  const rsa = ck.CKM_RSA_PKCS_KEY_PAIR_GEN;
  const date = (type: number, text: string) => attribute(type, ofText(text));
  test.each<[string, number, Attribute[], Attribute[], number]>([
    ['another mechanism', ck.CKM_AES_KEY_GEN, [], [token], ck.CKR_MECHANISM_INVALID],
    ['a signature mechanism', ck.CKM_ECDSA, [p256], [token], ck.CKR_MECHANISM_INVALID],
    ['no curve', ec, [], [token], ck.CKR_TEMPLATE_INCOMPLETE],
    ['no size', rsa, [], [token], ck.CKR_TEMPLATE_INCOMPLETE],
    ['a session key, as keytool makes by itself', ec, [p256], [], ck.CKR_TEMPLATE_INCOMPLETE],
    ['CKA_TOKEN false', ec, [p256], [attribute(ck.CKA_TOKEN, FALSE)], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a public session key', ec, [p256, attribute(ck.CKA_TOKEN, FALSE)], [token], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a size the HSM lacks', rsa, [bits(1024)], [token], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    [
      'a size of four bytes',
      rsa,
      [attribute(ck.CKA_MODULUS_BITS, Uint8Array.of(0, 8, 0, 0))],
      [token],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    [
      'exponent 3',
      rsa,
      [bits(2048), attribute(ck.CKA_PUBLIC_EXPONENT, Uint8Array.of(3))],
      [token],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    [
      'a curve the HSM lacks',
      ec,
      [attribute(ck.CKA_EC_PARAMS, Uint8Array.from(Buffer.from('06052b81040021', 'hex')))],
      [token],
      ck.CKR_CURVE_NOT_SUPPORTED,
    ],
    ['no DER', ec, [attribute(ck.CKA_EC_PARAMS, ofText('P-256'))], [token], ck.CKR_DOMAIN_PARAMS_INVALID],
    ['another class', ec, [p256, classIs(ck.CKO_PRIVATE_KEY)], [token], ck.CKR_TEMPLATE_INCONSISTENT],
    [
      'another key type',
      ec,
      [p256, attribute(ck.CKA_KEY_TYPE, ofUlong(ck.CKK_RSA))],
      [token],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    [
      'a key type of four bytes',
      ec,
      [p256, attribute(ck.CKA_KEY_TYPE, Uint8Array.of(3, 0, 0, 0))],
      [token],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    ['a boolean of 2', ec, [p256], [attribute(ck.CKA_TOKEN, Uint8Array.of(2))], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    [
      'a list of mechanisms',
      ec,
      [p256],
      [token, attribute(ck.CKA_ALLOWED_MECHANISMS, ofUlong(ck.CKM_ECDSA))],
      ck.CKR_ATTRIBUTE_READ_ONLY,
    ],
    [
      'a template for unwrapping',
      ec,
      [p256],
      [token, attribute(ck.CKA_UNWRAP_TEMPLATE, new Uint8Array(24))],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['attributes of another key type', ec, [p256, bits(2048)], [token], ck.CKR_TEMPLATE_INCONSISTENT],
    ['an extractable key', ec, [p256], [token, attribute(ck.CKA_EXTRACTABLE, TRUE)], ck.CKR_TEMPLATE_INCONSISTENT],
    [
      'a key that is not sensitive',
      ec,
      [p256],
      [token, attribute(ck.CKA_SENSITIVE, FALSE)],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['an EC key that decrypts', ec, [p256], [token, attribute(ck.CKA_DECRYPT, TRUE)], ck.CKR_TEMPLATE_INCONSISTENT],
    [
      'a key of no use',
      ec,
      [p256, attribute(ck.CKA_VERIFY, FALSE)],
      [token, attribute(ck.CKA_SIGN, FALSE)],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['two labels', ec, [p256, labelIs('a'), labelIs('b')], [token], ck.CKR_TEMPLATE_INCONSISTENT],
    [
      'an end before the start',
      ec,
      [p256],
      [token, date(ck.CKA_START_DATE, '20300102'), date(ck.CKA_END_DATE, '20300101')],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    [
      'dates that differ',
      ec,
      [p256, date(ck.CKA_END_DATE, '20300102')],
      [token, date(ck.CKA_END_DATE, '20300101')],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['a date that is none', ec, [p256], [token, date(ck.CKA_END_DATE, '20300231')], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    [
      'a boolean of 4 bytes',
      ec,
      [p256],
      [token, attribute(ck.CKA_SIGN, new Uint8Array(4))],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    [
      'a label that is not UTF-8',
      ec,
      [p256],
      [token, attribute(ck.CKA_LABEL, Uint8Array.of(0xc3))],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    ['a label of 257 characters', ec, [p256], [token, labelIs('x'.repeat(257))], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    [
      'an id of 129 bytes',
      ec,
      [p256],
      [token, attribute(ck.CKA_ID, new Uint8Array(129))],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    ['a modulus', rsa, [bits(2048), attribute(ck.CKA_MODULUS, EMPTY)], [token], ck.CKR_ATTRIBUTE_READ_ONLY],
    ['CKA_LOCAL', ec, [p256], [token, attribute(ck.CKA_LOCAL, TRUE)], ck.CKR_ATTRIBUTE_READ_ONLY],
    ['a secret value', ec, [p256], [token, attribute(ck.CKA_VALUE, EMPTY)], ck.CKR_ATTRIBUTE_READ_ONLY],
    [
      'an attribute of the other half',
      ec,
      [p256],
      [token, attribute(ck.CKA_VERIFY, TRUE)],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    [
      'an attribute of certificates',
      ec,
      [p256, attribute(ck.CKA_ISSUER, EMPTY)],
      [token],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['an unknown attribute', ec, [p256], [token, attribute(0x4, EMPTY)], ck.CKR_ATTRIBUTE_TYPE_INVALID],
  ])('refuses %s', async (_what, mechanism, publicTemplate, privateTemplate, rv) => {
    const { client, hsm } = await fresh();
    expect(await codeOf(() => client.generate(mechanism, publicTemplate, privateTemplate))).toBe(rv);
    expect(hsm.count('createKey')).toBe(0);
  });

  test('whatever label and id are given, they are read back, here and on another host', async () => {
    const { client, hsm } = await fresh();
    const label = fc.string({ unit: 'grapheme', maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(label, fc.uint8Array({ maxLength: 128 }), async (text, id) => {
        const template = [labelIs(text), attribute(ck.CKA_ID, id)];
        const { privateKey } = await client.generate(ck.CKM_EC_KEY_PAIR_GEN, [p256], [token, ...template]);
        const other = await Client.open(setUp(hsm).library);
        for (const reader of [client, other]) {
          expect(toText((await reader.get(privateKey, ck.CKA_LABEL)) ?? EMPTY)).toBe(text);
          expect(await reader.get(privateKey, ck.CKA_ID)).toEqual(id);
        }
        expect(await other.find(...template, classIs(ck.CKO_PRIVATE_KEY))).toContain(privateKey);
      }),
      { numRuns: 20 },
    );
  });
});
