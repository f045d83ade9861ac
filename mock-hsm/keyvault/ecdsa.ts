// ECDSA over a digest that the caller computed (FIPS 186-5 section 6.4).
//
// node:crypto always hashes what it signs, even with a null algorithm, and the service never does. The costly and
// secret-dependent half of a signature, the nonce times the generator, is a key pair generation and stays in OpenSSL,
// which does it in constant time; the rest is arithmetic modulo the order, in BigInt, whose time depends on its operands.
// So no operand there is a secret that lasts:
// - The private scalar is kept as two random shares, drawn anew every few signatures. A product has to do with a share,
//   never with the scalar, and shares tell nothing of it.
// - Nonces are drawn in batches, so that one modular inversion serves all of a batch (Montgomery's trick). What is
//   inverted is a product of several nonces and a random factor, never one nonce alone.
// - All numbers have the length of the order but for a chance of 2^-64, so their lengths tell nothing either.
// What remains: the garbage collector leaves copies in memory, and a batch makes one signature in a few slower than the
// others, whatever the key. `mock-hsm/keyvault/sign-timing.ts` compares keys with few and with many bits set.
import { createECDH, randomBytes } from 'node:crypto';
import { type Curve, invert, toBigInt, toBytes } from './curves.ts';
import { multiplyAdd } from './ec-point.ts';

interface Nonce {
  readonly r: bigint;
  readonly inverse: bigint;
}

/** Batches are short on the curves where one nonce costs a millisecond. */
const batchSize = (curve: Curve) => (curve.name === 'P-256' ? 16 : 2);

const unused = new Map<string, Nonce[]>();

/** Signatures that use the same two shares. */
const usesOfShares = 16;

/** A private scalar as two random shares that add up to it modulo the order. */
export class SplitScalar {
  readonly #curve: Curve;
  #shares: readonly [bigint, bigint];
  #uses = 0;

  constructor(curve: Curve, scalar: bigint) {
    const share = randomBelow(curve);
    this.#curve = curve;
    this.#shares = [share, (scalar + curve.order - share) % curve.order];
  }

  /** The scalar times `factor`, modulo the order. */
  times(factor: bigint): bigint {
    const { order } = this.#curve;
    this.#uses += 1;
    if (this.#uses % usesOfShares === 0) {
      const shift = randomBelow(this.#curve);
      this.#shares = [(this.#shares[0] + shift) % order, (this.#shares[1] + order - shift) % order];
    }
    return ((factor * this.#shares[0]) % order) + ((factor * this.#shares[1]) % order);
  }
}

/** Evenly from 0 to the order, but for a difference of 2^-64. */
const randomBelow = (curve: Curve) => toBigInt(randomBytes(curve.fieldBytes + 8)) % curve.order;

/**
 * Signs `digest` with the private scalar.
 * @returns r and s, each big-endian in `curve.fieldBytes` bytes (RFC 7518 section 3.4)
 */
export function signDigest(curve: Curve, scalar: SplitScalar, digest: Uint8Array): Buffer {
  const e = integerOf(curve, digest);
  for (;;) {
    const { r, inverse } = takeNonce(curve);
    const s = (inverse * ((e + scalar.times(r)) % curve.order)) % curve.order;
    if (r !== 0n && s !== 0n) return Buffer.concat([toBytes(r, curve.fieldBytes), toBytes(s, curve.fieldBytes)]);
  }
}

/** Whether `signature` (r || s) is the key's over `digest`. A signature of another length is false, not an error. */
export function verifyDigest(
  curve: Curve,
  publicKey: { x: bigint; y: bigint },
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== curve.fieldBytes * 2) return false;
  const r = toBigInt(signature.subarray(0, curve.fieldBytes));
  const s = toBigInt(signature.subarray(curve.fieldBytes));
  if (r === 0n || s === 0n || r >= curve.order || s >= curve.order) return false;
  const inverse = invert(s, curve.order);
  const u1 = (integerOf(curve, digest) * inverse) % curve.order;
  const u2 = (r * inverse) % curve.order;
  const point = multiplyAdd(curve, u1, u2, publicKey);
  return point !== undefined && point.x % curve.order === r;
}

/** The leftmost bits of the digest, as many as the order has. */
function integerOf(curve: Curve, digest: Uint8Array): bigint {
  const surplusBits = digest.length * 8 - curve.order.toString(2).length;
  const value = toBigInt(digest);
  return surplusBits > 0 ? value >> BigInt(surplusBits) : value;
}

function takeNonce(curve: Curve): Nonce {
  const ready = unused.get(curve.name)?.pop();
  if (ready !== undefined) return ready;
  const batch = drawNonces(curve, batchSize(curve));
  unused.set(curve.name, batch);
  return takeNonce(curve);
}

function drawNonces(curve: Curve, count: number): Nonce[] {
  const ecdh = createECDH(curve.opensslName);
  const secrets: bigint[] = [];
  const rs: bigint[] = [];
  const products: bigint[] = [];
  // The random factor: it goes when the nonces are taken out again.
  let product = randomBelow(curve);
  for (let i = 0; i < count; i += 1) {
    const x = ecdh.generateKeys().subarray(1, 1 + curve.fieldBytes);
    const secret = toBigInt(ecdh.getPrivateKey());
    products.push(product);
    product = (product * secret) % curve.order;
    secrets.push(secret);
    rs.push(toBigInt(x) % curve.order);
  }
  let inverseOfRest = invert(product, curve.order);
  const nonces: Nonce[] = [];
  for (let i = count - 1; i >= 0; i -= 1) {
    nonces.push({ r: rs[i] ?? 0n, inverse: (inverseOfRest * (products[i] ?? 0n)) % curve.order });
    inverseOfRest = (inverseOfRest * (secrets[i] ?? 0n)) % curve.order;
  }
  return nonces;
}
