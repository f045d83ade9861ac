/** The keys that a subject has for the promises, and the mechanisms that use them. */

import { createPublicKey, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import * as ck from '../lib/pkcs11/constants.ts';
import { FALSE, ofUlong, TRUE } from '../lib/tags/values.ts';
import type { Attribute, Mechanism } from '../lib/wire/schema.ts';
import { attribute, bare, Client, classIs, labelIs, RW } from './client.ts';
import type { Subject, Token } from './subject.ts';

/** What is printed for a thing that has a name. */
export const named = <T extends object>(name: string, thing: T): T =>
  Object.defineProperty(thing, fc.toStringMethod, { value: () => name });

export interface TestKey {
  readonly label: string;
  readonly keyType: number;
  readonly id: Uint8Array;
  readonly generation: Mechanism;
  /** What the public template says of the key's size. */
  readonly material: readonly Attribute[];
  /** Bytes of a signature. */
  readonly signatureBytes: number;
}

const P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const P384 = Buffer.from('06052b81040022', 'hex');

export const rsaKey: TestKey = {
  label: 'conformance-rsa',
  keyType: ck.CKK_RSA,
  id: Uint8Array.of(0xc0, 0x01),
  generation: bare(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
  material: [attribute(ck.CKA_MODULUS_BITS, ofUlong(2048)), attribute(ck.CKA_PUBLIC_EXPONENT, Uint8Array.of(1, 0, 1))],
  signatureBytes: 256,
};
const ecKey = (label: string, id: number, params: Uint8Array, signatureBytes: number): TestKey => ({
  label,
  keyType: ck.CKK_EC,
  id: Uint8Array.of(0xc0, id),
  generation: bare(ck.CKM_EC_KEY_PAIR_GEN),
  material: [attribute(ck.CKA_EC_PARAMS, params)],
  signatureBytes,
});
export const p256Key = ecKey('conformance-p256', 2, P256, 64);
export const p384Key = ecKey('conformance-p384', 3, P384, 96);
export const testKeys: readonly TestKey[] = [rsaKey, p256Key, p384Key];

const bool = (type: number, value: boolean) => attribute(type, value ? TRUE : FALSE);

export interface Templates {
  mechanism: Mechanism;
  publicTemplate: Attribute[];
  privateTemplate: Attribute[];
}

/** What C_GenerateKeyPair is given for a key that stays. */
export function templatesOf(key: Pick<TestKey, 'label' | 'keyType' | 'id' | 'generation' | 'material'>): Templates {
  const shared = [bool(ck.CKA_TOKEN, true), labelIs(key.label), attribute(ck.CKA_ID, key.id)];
  const isRsa = key.keyType === ck.CKK_RSA;
  return {
    mechanism: key.generation,
    publicTemplate: [
      ...key.material,
      ...shared,
      bool(ck.CKA_PRIVATE, false),
      bool(ck.CKA_VERIFY, true),
      ...(isRsa ? [bool(ck.CKA_ENCRYPT, true)] : []),
    ],
    privateTemplate: [
      ...shared,
      bool(ck.CKA_PRIVATE, true),
      bool(ck.CKA_SENSITIVE, true),
      bool(ck.CKA_EXTRACTABLE, false),
      bool(ck.CKA_SIGN, true),
      ...(isRsa ? [bool(ck.CKA_DECRYPT, true)] : []),
    ],
  };
}

/** Makes the keys on every token, where they are not there. */
export async function makeKeys(subject: Subject): Promise<void> {
  for (const token of subject.tokens) await makeKeysOn(subject, token);
}

async function makeKeysOn(subject: Subject, token: Token): Promise<void> {
  const client = new Client(subject);
  await client.ok('initialize', {});
  const session = await client.enter(RW, token);
  for (const key of testKeys) {
    const found = await client.find(session, labelIs(key.label));
    if (found.length === 0) await client.ok('generateKeyPair', { session, ...templatesOf(key) });
  }
  await client.end();
}

export const privateKey = (client: Client, session: number, { label }: TestKey): Promise<number> =>
  client.findOne(session, classIs(ck.CKO_PRIVATE_KEY), labelIs(label));
export const publicKey = (client: Client, session: number, { label }: TestKey): Promise<number> =>
  client.findOne(session, classIs(ck.CKO_PUBLIC_KEY), labelIs(label));

const CURVES = new Map([
  [P256.toString('hex'), 'P-256'],
  [P384.toString('hex'), 'P-384'],
]);

/** The public key that an object's attributes describe, as another implementation understands it. */
export async function importedKey(client: Client, session: number, object: number, key: TestKey): Promise<KeyObject> {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  if (key.keyType === ck.CKK_RSA) {
    const n = text(await client.get(session, object, ck.CKA_MODULUS));
    const e = text(await client.get(session, object, ck.CKA_PUBLIC_EXPONENT));
    return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
  }
  const params = await client.get(session, object, ck.CKA_EC_PARAMS);
  // DER of an OCTET STRING that holds 04, x and y.
  const point = (await client.get(session, object, ck.CKA_EC_POINT)).subarray(3);
  const half = point.length / 2;
  const crv = CURVES.get(Buffer.from(params).toString('hex')) ?? '';
  const jwk = { kty: 'EC', crv, x: text(point.subarray(0, half)), y: text(point.subarray(half)) };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

export const HASHES = [
  {
    name: 'sha256',
    digest: ck.CKM_SHA256,
    bytes: 32,
    mgf: ck.CKG_MGF1_SHA256,
    info: '3031300d060960864801650304020105000420',
  },
  {
    name: 'sha384',
    digest: ck.CKM_SHA384,
    bytes: 48,
    mgf: ck.CKG_MGF1_SHA384,
    info: '3041300d060960864801650304020205000430',
  },
  {
    name: 'sha512',
    digest: ck.CKM_SHA512,
    bytes: 64,
    mgf: ck.CKG_MGF1_SHA512,
    info: '3051300d060960864801650304020305000440',
  },
] as const;
export type TestHash = (typeof HASHES)[number];

for (const key of testKeys) named(key.label, key);
for (const hash of HASHES) named(hash.name, hash);

/** CK_RSA_PKCS_PSS_PARAMS. */
export function pssParameter(
  hash: TestHash,
  { mgf = hash.mgf as number, saltBytes = hash.bytes as number } = {},
): Uint8Array {
  return Buffer.concat([ofUlong(hash.digest), ofUlong(mgf), ofUlong(saltBytes)]);
}

/** CK_RSA_PKCS_OAEP_PARAMS without a label. */
export function oaepParameter(hashMechanism: number, mgf: number, source = ck.CKZ_DATA_SPECIFIED): Uint8Array {
  return Buffer.concat([hashMechanism, mgf, source, 0, 0].map(ofUlong));
}
