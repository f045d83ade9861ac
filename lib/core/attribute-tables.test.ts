import { beforeAll, describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { nameOf } from '../pkcs11/names.ts';
import { taggedAttributes } from '../tags/attributes.ts';
import { EMPTY } from '../tags/values.ts';
import { Client, codeOf, setUp } from './test-client.ts';

/** The tables of the base specification (4.4 to 4.9) and of the mechanisms specification (2.1.2, 2.1.3, 2.3.3, 2.3.4). */
const STORAGE = [
  ck.CKA_CLASS,
  ck.CKA_TOKEN,
  ck.CKA_PRIVATE,
  ck.CKA_MODIFIABLE,
  ck.CKA_LABEL,
  ck.CKA_COPYABLE,
  ck.CKA_DESTROYABLE,
];
const KEY = [
  ck.CKA_KEY_TYPE,
  ck.CKA_ID,
  ck.CKA_START_DATE,
  ck.CKA_END_DATE,
  ck.CKA_DERIVE,
  ck.CKA_LOCAL,
  ck.CKA_KEY_GEN_MECHANISM,
  ck.CKA_ALLOWED_MECHANISMS,
];
const PUBLIC_KEY = [
  ...STORAGE,
  ...KEY,
  ck.CKA_SUBJECT,
  ck.CKA_ENCRYPT,
  ck.CKA_VERIFY,
  ck.CKA_VERIFY_RECOVER,
  ck.CKA_WRAP,
  ck.CKA_TRUSTED,
  ck.CKA_WRAP_TEMPLATE,
  ck.CKA_PUBLIC_KEY_INFO,
];
const PRIVATE_KEY = [
  ...STORAGE,
  ...KEY,
  ck.CKA_SUBJECT,
  ck.CKA_SENSITIVE,
  ck.CKA_DECRYPT,
  ck.CKA_SIGN,
  ck.CKA_SIGN_RECOVER,
  ck.CKA_UNWRAP,
  ck.CKA_EXTRACTABLE,
  ck.CKA_ALWAYS_SENSITIVE,
  ck.CKA_NEVER_EXTRACTABLE,
  ck.CKA_WRAP_WITH_TRUSTED,
  ck.CKA_UNWRAP_TEMPLATE,
  ck.CKA_ALWAYS_AUTHENTICATE,
  ck.CKA_PUBLIC_KEY_INFO,
];
const RSA_SECRET = [
  ck.CKA_PRIVATE_EXPONENT,
  ck.CKA_PRIME_1,
  ck.CKA_PRIME_2,
  ck.CKA_EXPONENT_1,
  ck.CKA_EXPONENT_2,
  ck.CKA_COEFFICIENT,
];
const KINDS = {
  'an RSA private key': {
    open: [...PRIVATE_KEY, ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT],
    secret: RSA_SECRET,
    foreign: [ck.CKA_VALUE, ck.CKA_EC_PARAMS, ck.CKA_EC_POINT, ck.CKA_VERIFY, ck.CKA_WRAP],
  },
  'an RSA public key': {
    open: [...PUBLIC_KEY, ck.CKA_MODULUS, ck.CKA_MODULUS_BITS, ck.CKA_PUBLIC_EXPONENT],
    secret: [],
    foreign: [...RSA_SECRET, ck.CKA_VALUE, ck.CKA_EC_POINT, ck.CKA_SIGN, ck.CKA_SENSITIVE],
  },
  'an EC private key': {
    open: [...PRIVATE_KEY, ck.CKA_EC_PARAMS],
    secret: [ck.CKA_VALUE],
    foreign: [...RSA_SECRET, ck.CKA_MODULUS, ck.CKA_MODULUS_BITS, ck.CKA_ENCRYPT, ck.CKA_TRUSTED],
  },
  'an EC public key': {
    open: [...PUBLIC_KEY, ck.CKA_EC_PARAMS, ck.CKA_EC_POINT],
    secret: [],
    foreign: [ck.CKA_VALUE, ck.CKA_MODULUS, ck.CKA_SIGN, ck.CKA_EXTRACTABLE, ck.CKA_CERTIFICATE_TYPE],
  },
} as const;
type Kind = keyof typeof KINDS;
const kinds = Object.entries(KINDS) as [Kind, (typeof KINDS)[Kind]][];

let client: Client;
let handles: Readonly<Record<Kind, number>>;

beforeAll(async () => {
  client = await Client.open(setUp().library);
  const [rsa, ec] = [await client.generateRsa('rsa'), await client.generateEc('ec')];
  handles = {
    'an RSA private key': rsa.privateKey,
    'an RSA public key': rsa.publicKey,
    'an EC private key': ec.privateKey,
    'an EC public key': ec.publicKey,
  };
});

const read = async (object: number, type: number) => {
  const queries = [{ type, capacity: null }];
  return (await client.application.getAttributeValue({ session: 1, object, queries })).rv;
};

describe.each(kinds)('%s', (kind, { open, secret, foreign }) => {
  test('has every attribute of its tables', async () => {
    for (const type of open) expect(await read(handles[kind], type), nameOf('CKA', type)).toBe(ck.CKR_OK);
  });

  test('keeps its secrets', async () => {
    for (const type of secret) {
      expect(await read(handles[kind], type), nameOf('CKA', type)).toBe(ck.CKR_ATTRIBUTE_SENSITIVE);
    }
  });

  test('has no attribute of other objects', async () => {
    for (const type of foreign) {
      expect(await read(handles[kind], type), nameOf('CKA', type)).toBe(ck.CKR_ATTRIBUTE_TYPE_INVALID);
    }
  });

  test('lets nothing be set but what is kept in tags: the rest is read only, or not its own', async () => {
    const settable = new Set(taggedAttributes.map(({ type }) => type).filter((type) => type !== ck.CKA_KEY_TYPE));
    const set = (type: number) => codeOf(() => client.set(handles[kind], { type, value: EMPTY }));
    for (const type of [...open, ...secret].filter((it) => !settable.has(it))) {
      expect(await set(type), nameOf('CKA', type)).toBe(ck.CKR_ATTRIBUTE_READ_ONLY);
    }
    for (const type of foreign) expect(await set(type), nameOf('CKA', type)).toBe(ck.CKR_ATTRIBUTE_TYPE_INVALID);
  });
});
