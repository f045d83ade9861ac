/** Every way to sign: a mechanism with a key, what it is given for a message, and what another implementation checks. */

import { constants, createHash, type KeyObject, verify } from 'node:crypto';
import * as ck from '../lib/pkcs11/constants.ts';
import { nameOf } from '../lib/pkcs11/names.ts';
import type { Mechanism } from '../lib/wire/schema.ts';
import { bare } from './client.ts';
import { HASHES, named, p256Key, p384Key, pssParameter, rsaKey, type TestHash, type TestKey } from './keys.ts';

export interface SignatureScheme {
  readonly name: string;
  readonly mechanism: Mechanism;
  readonly key: TestKey;
  readonly hash: TestHash;
  /** The module hashes: messages of any length, in one part or several. */
  readonly hashes: boolean;
  /** The same message has the same signature. */
  readonly repeats: boolean;
  /** What C_Sign is given for a message. */
  input(message: Uint8Array): Uint8Array;
  verifies(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean;
}

const digestOf = (hash: TestHash, message: Uint8Array) => createHash(hash.name).update(message).digest();
const digestInfo = (hash: TestHash, message: Uint8Array) =>
  Buffer.concat([Buffer.from(hash.info, 'hex'), digestOf(hash, message)]);

type Given = 'message' | 'digest' | 'DigestInfo';

const inputs: Readonly<Record<Given, (hash: TestHash, message: Uint8Array) => Uint8Array>> = {
  message: (_hash, message) => message,
  digest: digestOf,
  DigestInfo: digestInfo,
};

/** How node:crypto is told of the padding; without one it is ECDSA, whose two halves PKCS#11 puts side by side. */
function encoding(hash: TestHash, padding: number | undefined) {
  if (padding === undefined) return { dsaEncoding: 'ieee-p1363' as const };
  return padding === constants.RSA_PKCS1_PSS_PADDING ? { padding, saltLength: hash.bytes } : { padding };
}

function scheme(mechanism: Mechanism, key: TestKey, hash: TestHash, given: Given, padding?: number): SignatureScheme {
  const name = `${nameOf('CKM', mechanism.type)} over ${given} with ${hash.name} and ${key.label}`;
  return named(name, {
    name,
    mechanism,
    key,
    hash,
    hashes: given === 'message',
    repeats: padding === constants.RSA_PKCS1_PADDING,
    input: (message) => inputs[given](hash, message),
    verifies: (publicKey, message, signature) =>
      verify(hash.name, message, { key: publicKey, ...encoding(hash, padding) }, signature),
  });
}

const HASH_AND_SIGN = {
  pkcs1: [ck.CKM_SHA256_RSA_PKCS, ck.CKM_SHA384_RSA_PKCS, ck.CKM_SHA512_RSA_PKCS],
  pss: [ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA384_RSA_PKCS_PSS, ck.CKM_SHA512_RSA_PKCS_PSS],
  ecdsa: [ck.CKM_ECDSA_SHA256, ck.CKM_ECDSA_SHA384, ck.CKM_ECDSA_SHA512],
} as const;

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING } = constants;

export const signatureSchemes: readonly SignatureScheme[] = HASHES.flatMap((hash, i) => {
  const parameter = pssParameter(hash);
  return [
    scheme(bare(ck.CKM_RSA_PKCS), rsaKey, hash, 'DigestInfo', RSA_PKCS1_PADDING),
    scheme(bare(HASH_AND_SIGN.pkcs1[i] ?? 0), rsaKey, hash, 'message', RSA_PKCS1_PADDING),
    scheme({ type: ck.CKM_RSA_PKCS_PSS, parameter }, rsaKey, hash, 'digest', RSA_PKCS1_PSS_PADDING),
    scheme({ type: HASH_AND_SIGN.pss[i] ?? 0, parameter }, rsaKey, hash, 'message', RSA_PKCS1_PSS_PADDING),
    ...[p256Key, p384Key].flatMap((key) => [
      scheme(bare(ck.CKM_ECDSA), key, hash, 'digest'),
      scheme(bare(HASH_AND_SIGN.ecdsa[i] ?? 0), key, hash, 'message'),
    ]),
  ];
});

export const hashingSchemes = signatureSchemes.filter(({ hashes }) => hashes);
