/** For tests: keys and signatures as a Managed HSM makes them, by other means than the code under test. */

import {
  constants,
  createECDH,
  createHash,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  privateEncrypt,
  randomBytes,
} from 'node:crypto';
import { type Curve, curves } from './curves.ts';
import { hashes } from './hashes.ts';
import type { KeyVersion, NewKey, PublicKey, SignatureAlgorithm } from './hsm.ts';

const OPENSSL_CURVES = { 'P-256': 'prime256v1', 'P-256K': 'secp256k1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };

export interface StoredVersion extends KeyVersion {
  privateKey: KeyObject;
}

/** Making keys is slow: the nth key of a kind is the same in every HSM of a test run. */
const pool = new Map<string, KeyObject[]>();

export function privateKeyOf(key: NewKey['key'], index: number): KeyObject {
  const kind = key.kty === 'RSA' ? `RSA ${key.bits}` : key.curve;
  const made = pool.get(kind) ?? [];
  pool.set(kind, made);
  made[index] ??=
    key.kty === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: key.bits }).privateKey
      : generateKeyPairSync('ec', { namedCurve: OPENSSL_CURVES[key.curve] }).privateKey;
  return made[index];
}

const bytesOf = (text: string | undefined) => Uint8Array.from(Buffer.from(text ?? '', 'base64url'));
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

export function publicKeyOf(key: NewKey['key'], privateKey: KeyObject): PublicKey {
  const jwk: JsonWebKey = privateKey.export({ format: 'jwk' });
  return key.kty === 'RSA'
    ? { kty: 'RSA', modulus: bytesOf(jwk.n), exponent: bytesOf(jwk.e) }
    : { kty: 'EC', curve: key.curve, x: bytesOf(jwk.x), y: bytesOf(jwk.y) };
}

/** EMSA-PSS-ENCODE (RFC 8017, 9.1.1) for a modulus of whole bytes and a salt as long as the hash. */
function pssBlock(name: string, length: number, digest: Uint8Array): Buffer {
  const hash = (...parts: Uint8Array[]) => createHash(name).update(Buffer.concat(parts)).digest();
  const salt = randomBytes(digest.length);
  const h = hash(new Uint8Array(8), digest, salt);
  const db = Buffer.concat([Buffer.alloc(length - 2 * digest.length - 2), Buffer.of(1), salt]);
  for (let at = 0, counter = 0; at < db.length; counter += 1) {
    const block = hash(h, Buffer.of(0, 0, 0, counter));
    for (let i = 0; i < block.length && at < db.length; i += 1, at += 1) db[at] = (db[at] ?? 0) ^ (block[i] ?? 0);
  }
  db[0] = (db[0] ?? 0) & 0x7f;
  return Buffer.concat([db, h, Buffer.of(0xbc)]);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let rest = exponent, square = base; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus;
  }
  return result;
}

/** ECDSA over a digest, which node:crypto does not offer; the point k·G comes from its ECDH. */
function ecdsa(curve: Curve, privateKey: KeyObject, digest: Uint8Array): Uint8Array {
  const d = numberOf(bytesOf(privateKey.export({ format: 'jwk' }).d));
  const ephemeral = createECDH(OPENSSL_CURVES[curve.name]);
  ephemeral.generateKeys();
  const point = ephemeral.getPublicKey();
  const r = numberOf(point.subarray(1, 1 + curve.fieldBytes)) % curve.n;
  const k = numberOf(ephemeral.getPrivateKey());
  const s = (power(k, curve.n - 2n, curve.n) * (numberOf(digest) + r * d)) % curve.n;
  return Buffer.from([r, s].map((half) => half.toString(16).padStart(curve.fieldBytes * 2, '0')).join(''), 'hex');
}

export function signatureOf(key: StoredVersion, algorithm: SignatureAlgorithm, digest: Uint8Array): Uint8Array {
  const { publicKey, privateKey } = key;
  if (publicKey?.kty === 'EC') {
    const curve = curves[publicKey.curve];
    if (curve.algorithm !== algorithm || digest.length !== curve.digestBytes) throw new Error('bad parameter');
    return ecdsa(curve, privateKey, digest);
  }
  const hash = hashes.find((row) => row.pkcs1 === algorithm || row.pss === algorithm);
  if (hash !== undefined && digest.length !== hash.bytes) throw new Error('bad parameter');
  if (hash?.pss === algorithm) {
    const block = pssBlock(hash.name, publicKey?.modulus.length ?? 0, digest);
    return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
  }
  const content = hash === undefined ? digest : Buffer.concat([hash.digestInfoPrefix, digest]);
  return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, content);
}
