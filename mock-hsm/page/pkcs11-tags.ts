// What the tags of a key say in PKCS#11 terms. PKCS#11 libraries for Managed HSM keep attributes of the private and the
// public key object in tags `p11_pri_…` and `p11_pub_…`; how they spell the rest is their own affair, so every plausible
// spelling is read, and what makes no sense is shown as it stands.

import type { Pkcs11Attribute } from './api.ts';

/** Reads a value; undefined when it is none of this form. */
interface Form {
  readonly expected: string;
  read(text: string): string | undefined;
}

const truths = new Set(['true', '1', 'yes', 'y', 'on', 'ck_true', '01', '0x1', '0x01']);
const untruths = new Set(['false', '0', 'no', 'n', 'off', 'ck_false', '00', '0x0', '0x00']);

const boolean: Form = {
  expected: 'true or false',
  read: (text) => {
    const plain = text.trim().toLowerCase();
    if (truths.has(plain)) return 'true';
    return untruths.has(plain) ? 'false' : undefined;
  },
};

const anyText: Form = { expected: 'text', read: (text) => text };

const bytes: Form = {
  expected: 'hexadecimal digits or base64',
  read: (text) => {
    const plain = text.trim();
    const hex = /^0x([0-9a-f]*)$/i.exec(plain)?.[1] ?? plain.replaceAll(/[: ]/g, '');
    if (/^0x/i.test(plain) || (/^[0-9a-f]*$/i.test(hex) && hex.length % 2 === 0)) {
      return hex.padStart(hex.length + (hex.length % 2), '0').toLowerCase();
    }
    const base64 = /^([0-9a-z+/_-]+)={0,2}$/i.exec(plain)?.[1];
    if (base64 === undefined || base64.length % 4 === 1) return undefined;
    return Buffer.from(base64, 'base64url').toString('hex');
  },
};

const date: Form = {
  expected: 'a date YYYYMMDD',
  read: (text) => {
    const plain = text.trim();
    if (plain === '') return '(empty date)';
    if (/^\d{9,11}$/.test(plain)) return new Date(Number(plain) * 1000).toISOString().slice(0, 10);
    const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$/.exec(plain) ?? [];
    const iso = `${year}-${month}-${day}`;
    const time = Date.parse(`${iso}T00:00:00Z`);
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso) ? iso : undefined;
  },
};

const number: Form = {
  expected: 'a number',
  read: (text) => (/^(0x[0-9a-f]{1,12}|\d{1,15})$/i.test(text.trim()) ? String(Number(text)) : undefined),
};

/** A number that has names: what a text or a number may stand for. */
function named(prefix: string, values: Readonly<Record<string, number>>, otherNames: Readonly<Record<string, string>>) {
  return {
    expected: `${prefix}…, one of ${Object.keys(values).join(', ')}`,
    read: (text: string) => {
      const plain = text.trim().toUpperCase();
      if (/^(0X[0-9A-F]{1,8}|\d{1,10})$/.test(plain)) {
        const known = Object.keys(values).find((name) => values[name] === Number(plain));
        return known === undefined ? plain.toLowerCase() : prefix + known;
      }
      const name = plain.replace(prefix, '');
      const official = Object.hasOwn(otherNames, name) ? otherNames[name] : name;
      return official !== undefined && Object.hasOwn(values, official) ? prefix + official : undefined;
    },
  } satisfies Form;
}

const keyType = named(
  'CKK_',
  { RSA: 0, EC: 3, GENERIC_SECRET: 0x10, AES: 0x1f },
  { 'RSA-HSM': 'RSA', 'EC-HSM': 'EC', ECDSA: 'EC', OCT: 'AES', 'OCT-HSM': 'AES' },
);
const objectClass = named('CKO_', { CERTIFICATE: 1, PUBLIC_KEY: 2, PRIVATE_KEY: 3, SECRET_KEY: 4 }, {});

/** Attributes by name without `CKA_` and by number, from the PKCS#11 2.40 header. */
const attributes: readonly (readonly [name: string, number: number, form: Form])[] = [
  ['CLASS', 0x0, objectClass],
  ['TOKEN', 0x1, boolean],
  ['PRIVATE', 0x2, boolean],
  ['LABEL', 0x3, anyText],
  ['TRUSTED', 0x86, boolean],
  ['KEY_TYPE', 0x100, keyType],
  ['SUBJECT', 0x101, bytes],
  ['ID', 0x102, bytes],
  ['SENSITIVE', 0x103, boolean],
  ['ENCRYPT', 0x104, boolean],
  ['DECRYPT', 0x105, boolean],
  ['WRAP', 0x106, boolean],
  ['UNWRAP', 0x107, boolean],
  ['SIGN', 0x108, boolean],
  ['SIGN_RECOVER', 0x109, boolean],
  ['VERIFY', 0x10a, boolean],
  ['VERIFY_RECOVER', 0x10b, boolean],
  ['DERIVE', 0x10c, boolean],
  ['START_DATE', 0x110, date],
  ['END_DATE', 0x111, date],
  ['MODULUS_BITS', 0x121, number],
  ['EXTRACTABLE', 0x162, boolean],
  ['LOCAL', 0x163, boolean],
  ['NEVER_EXTRACTABLE', 0x164, boolean],
  ['ALWAYS_SENSITIVE', 0x165, boolean],
  ['MODIFIABLE', 0x170, boolean],
  ['COPYABLE', 0x171, boolean],
  ['DESTROYABLE', 0x172, boolean],
  ['EC_PARAMS', 0x180, bytes],
  ['ALWAYS_AUTHENTICATE', 0x202, boolean],
  ['WRAP_WITH_TRUSTED', 0x210, boolean],
];

/** Lower case without separators: `CKA_KEY_TYPE`, `keyType` and `key-type` meet here. */
const plainName = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[_\-. ]/g, '')
    .replace(/^cka/, '');

const byPlainName = new Map(attributes.map((row) => [plainName(row[0]), row]));
const byNumber = new Map(attributes.map((row) => [row[1], row]));

/** The PKCS#11 attributes that the tags stand for, in the order of their tags' names. Other tags are left out. */
export function pkcs11Attributes(tags: Readonly<Record<string, string>>): Pkcs11Attribute[] {
  return Object.entries(tags)
    .flatMap(([tag, text]) => attributeOf(tag, text) ?? [])
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

function attributeOf(tag: string, text: string): Pkcs11Attribute | undefined {
  const [, side, rest] = /^p11[_\-. ]?(pri|pub)[_\-. ]?([^_\-. ].*)$/is.exec(tag) ?? [];
  if (side === undefined || rest === undefined) return undefined;
  const object = side.toLowerCase() === 'pri' ? 'private key' : 'public key';
  const row = /^0x[0-9a-f]{1,8}$/i.test(rest) ? byNumber.get(Number(rest)) : byPlainName.get(plainName(rest));
  if (row === undefined) return { tag, object, attribute: rest, value: text };
  const [name, , form] = row;
  const value = form.read(text);
  const attribute = `CKA_${name}`;
  if (value === undefined) return { tag, object, attribute, value: text, damage: form.expected };
  return { tag, object, attribute, value };
}

/** CKA_LABEL of the private key, else of the public key; undefined when the tags hold none. */
export function pkcs11Label(tags: Readonly<Record<string, string>>): string | undefined {
  const labels = pkcs11Attributes(tags).filter(({ attribute }) => attribute === 'CKA_LABEL');
  return (labels.find(({ object }) => object === 'private key') ?? labels[0])?.value;
}
