// Runs one cryptographic operation; the same code in the main thread and in a worker. Inputs are already checked.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decryptAes, encryptAes } from './aes.ts';
import { encryptionAlgorithms, type SignatureAlgorithm, signatureAlgorithms } from './algorithms.ts';
import { type Curve, curveByJwkName, type Point, toBigInt } from './curves.ts';
import { SplitScalar, signDigest, verifyDigest } from './ecdsa.ts';
import { decryptRsa, encryptRsa, signRsa, verifyRsa } from './rsa.ts';

export interface CryptoJob {
  readonly operation: 'sign' | 'verify' | 'encrypt' | 'decrypt';
  readonly algorithm: string;
  /** Digest to sign or to verify, plaintext or ciphertext. */
  readonly value: Buffer;
  readonly signature?: Buffer | undefined;
  readonly iv?: Buffer | undefined;
  readonly aad?: Buffer | undefined;
  readonly tag?: Buffer | undefined;
}

export interface CryptoResult {
  readonly value?: Buffer;
  readonly verified?: boolean;
  readonly iv?: Buffer;
  readonly tag?: Buffer;
}

interface EcKey {
  readonly curve: Curve;
  readonly scalar: SplitScalar;
  readonly point: Point;
}

/** @param key private or secret key. Throws when a ciphertext does not decrypt. */
export function runCryptoJob(job: CryptoJob, key: KeyObject): CryptoResult {
  const signature = signatureAlgorithms.get(job.algorithm);
  if (signature !== undefined)
    return job.operation === 'sign' ? sign(signature, job, key) : verify(signature, job, key);
  const algorithm = encryptionAlgorithms.get(job.algorithm);
  if (algorithm === undefined) throw new Error(`no algorithm ${job.algorithm}`);
  if (algorithm.kty === 'oct-HSM') {
    return job.operation === 'encrypt' ? encryptAes(algorithm, key, job) : decryptAes(algorithm, key, job);
  }
  const run = job.operation === 'encrypt' ? encryptRsa : decryptRsa;
  return { value: run(algorithm, key, job.value) };
}

function sign(algorithm: SignatureAlgorithm, job: CryptoJob, key: KeyObject): CryptoResult {
  if (algorithm.kty === 'RSA-HSM') return { value: signRsa(algorithm, key, job.value) };
  if (algorithm.kty === 'oct-HSM') return { value: authenticate(algorithm, key, job.value) };
  const { curve, scalar } = ecKeyOf(key);
  return { value: signDigest(curve, scalar, job.value) };
}

function verify(algorithm: SignatureAlgorithm, job: CryptoJob, key: KeyObject): CryptoResult {
  const signature = job.signature ?? Buffer.alloc(0);
  if (algorithm.kty === 'RSA-HSM') return { verified: verifyRsa(algorithm, key, job.value, signature) };
  if (algorithm.kty === 'oct-HSM') return { verified: isCode(authenticate(algorithm, key, job.value), signature) };
  const { curve, point } = ecKeyOf(key);
  return { verified: verifyDigest(curve, point, job.value, signature) };
}

/** HMAC (RFC 2104) over the digest, as every sign call is over a digest. */
const authenticate = ({ hash }: SignatureAlgorithm, key: KeyObject, digest: Buffer) =>
  createHmac(hash ?? 'sha256', key)
    .update(digest)
    .digest();

const isCode = (code: Buffer, given: Buffer) => given.length === code.length && timingSafeEqual(given, code);

const ecKeys = new WeakMap<KeyObject, EcKey>();

function ecKeyOf(key: KeyObject): EcKey {
  const known = ecKeys.get(key);
  if (known !== undefined) return known;
  const jwk = key.export({ format: 'jwk' });
  const curve = curveByJwkName.get(String(jwk.crv));
  if (curve === undefined) throw new Error(`no curve ${jwk.crv}`);
  const part = (text: unknown) => toBigInt(Buffer.from(String(text), 'base64url'));
  const ecKey = { curve, scalar: new SplitScalar(curve, part(jwk.d)), point: { x: part(jwk.x), y: part(jwk.y) } };
  ecKeys.set(key, ecKey);
  return ecKey;
}
