import type { Mechanism } from '../core/calls.ts';
import { type Hash, SHA256, SHA384, SHA512 } from '../core/hashes.ts';
import { mechanisms, type Scheme } from '../core/mechanisms.ts';
import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { ofUlong } from '../tags/values.ts';

/** Signature algorithms by their JOSE names (RFC 7518, RFC 8812), as Managed HSM calls them too. */
export type SigningAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES256K'
  | 'ES384'
  | 'ES512';

/** A curve of an EC key, as Managed HSM names it. */
export type Curve = 'P-256' | 'P-256K' | 'P-384' | 'P-521';

interface Algorithm {
  readonly scheme: Scheme;
  readonly hash: Hash;
  /** The only curve it is for; undefined for RSA. */
  readonly curve: Curve | undefined;
}

const rsa = (scheme: Scheme, hash: Hash): Algorithm => ({ scheme, hash, curve: undefined });
const ec = (curve: Curve, hash: Hash): Algorithm => ({ scheme: 'ecdsa', hash, curve });

const ALGORITHMS: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  RS256: rsa('pkcs1', SHA256),
  RS384: rsa('pkcs1', SHA384),
  RS512: rsa('pkcs1', SHA512),
  PS256: rsa('pss', SHA256),
  PS384: rsa('pss', SHA384),
  PS512: rsa('pss', SHA512),
  ES256: ec('P-256', SHA256),
  ES256K: ec('P-256K', SHA256),
  ES384: ec('P-384', SHA384),
  ES512: ec('P-521', SHA512),
};

/** RS256, or the one algorithm that a curve has. */
export function defaultAlgorithm(curve: Curve | undefined): SigningAlgorithm {
  const entries = Object.entries(ALGORITHMS) as [SigningAlgorithm, Algorithm][];
  return entries.find(([, algorithm]) => algorithm.curve === curve)?.[0] ?? 'RS256';
}

/** The row of an algorithm for a key of this curve. CKR_KEY_TYPE_INCONSISTENT when it is for other keys. */
export function algorithmFor(name: SigningAlgorithm, curve: Curve | undefined): Algorithm {
  const algorithm: Algorithm | undefined = ALGORITHMS[name];
  if (algorithm !== undefined && algorithm.curve === curve) return algorithm;
  const key = curve === undefined ? 'an RSA key' : `a ${curve} key`;
  throw new Pkcs11Error(ck.CKR_KEY_TYPE_INCONSISTENT, `${name} is no algorithm for ${key}`, {
    hint: curve === undefined ? 'choose RS256, PS256 or their kin' : `choose ${defaultAlgorithm(curve)}`,
  });
}

function pssParameter({ scheme, hash }: Algorithm): Uint8Array | null {
  if (scheme !== 'pss') return null;
  return Buffer.concat([hash.mechanism, hash.mgf, hash.bytes].map((number) => ofUlong(number)));
}

/** The mechanism that hashes the data and signs. */
export function dataMechanism(algorithm: Algorithm): Mechanism {
  const { scheme, hash } = algorithm;
  const row = mechanisms.find((each) => each.use === 'signature' && each.scheme === scheme && each.hash === hash);
  if (row === undefined) throw new Error(`no mechanism for ${scheme} with ${hash.name}`);
  return { type: row.type, parameter: pssParameter(algorithm) };
}

/** The mechanism that signs a digest, and what it takes as its data. CKR_DATA_LEN_RANGE. */
export function digestMechanism(algorithm: Algorithm, digest: Uint8Array): { mechanism: Mechanism; data: Uint8Array } {
  const { scheme, hash } = algorithm;
  if (digest.length !== hash.bytes) {
    throw new Pkcs11Error(ck.CKR_DATA_LEN_RANGE, `the digest has ${digest.length} bytes, ${hash.name} ${hash.bytes}`);
  }
  const types = { pkcs1: ck.CKM_RSA_PKCS, pss: ck.CKM_RSA_PKCS_PSS, ecdsa: ck.CKM_ECDSA };
  const mechanism = { type: types[scheme], parameter: pssParameter(algorithm) };
  return { mechanism, data: scheme === 'pkcs1' ? Buffer.concat([hash.digestInfoPrefix, digest]) : digest };
}
