// The four curves of the service and their domain parameters (SEC 2, FIPS 186-5).
import { createECDH } from 'node:crypto';

export type CurveName = 'P-256' | 'P-256K' | 'P-384' | 'P-521';

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export interface Curve {
  readonly name: CurveName;
  /** OpenSSL's name, as createECDH and generateKeyPair take it. */
  readonly opensslName: string;
  /** The name in a JWK that Node reads: RFC 8812 says secp256k1 where the service says P-256K. */
  readonly jwkName: string;
  /** Length of one coordinate and of one half of a signature. */
  readonly fieldBytes: number;
  readonly prime: bigint;
  readonly order: bigint;
  /** The coefficient a of y² = x³ + ax + b. */
  readonly a: bigint;
  readonly generator: Point;
}

function defineCurve(
  name: CurveName,
  opensslName: string,
  jwkName: string,
  fieldBytes: number,
  prime: bigint,
  order: bigint,
): Curve {
  const a = name === 'P-256K' ? 0n : prime - 3n;
  return { name, opensslName, jwkName, fieldBytes, prime, order, a, generator: generatorOf(opensslName, fieldBytes) };
}

/** The public key of the private key 1. */
function generatorOf(opensslName: string, fieldBytes: number): Point {
  const ecdh = createECDH(opensslName);
  ecdh.setPrivateKey(Buffer.from('01'.padStart(fieldBytes * 2, '0'), 'hex'));
  const point = ecdh.getPublicKey();
  return { x: toBigInt(point.subarray(1, 1 + fieldBytes)), y: toBigInt(point.subarray(1 + fieldBytes)) };
}

export const curves: Readonly<Record<CurveName, Curve>> = {
  'P-256': defineCurve(
    'P-256',
    'prime256v1',
    'P-256',
    32,
    0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ),
  'P-256K': defineCurve(
    'P-256K',
    'secp256k1',
    'secp256k1',
    32,
    0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
    0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  ),
  'P-384': defineCurve(
    'P-384',
    'secp384r1',
    'P-384',
    48,
    0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ),
  'P-521': defineCurve(
    'P-521',
    'secp521r1',
    'P-521',
    66,
    0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffn,
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ),
};

export const curveByJwkName: ReadonlyMap<string, Curve> = new Map(
  Object.values(curves).map((curve) => [curve.jwkName, curve]),
);

/** Big-endian bytes to integer. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

/** Integer to big-endian bytes of fixed length. */
export function toBytes(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
}

/** Multiplicative inverse in 1..modulus-1 by the extended Euclidean algorithm; `value` must be coprime to `modulus`. */
export function invert(value: bigint, modulus: bigint): bigint {
  let [remainder, next] = [modulus, value % modulus];
  let [coefficient, nextCoefficient] = [0n, 1n];
  while (next !== 0n) {
    const quotient = remainder / next;
    [remainder, next] = [next, remainder - quotient * next];
    [coefficient, nextCoefficient] = [nextCoefficient, coefficient - quotient * nextCoefficient];
  }
  if (remainder !== 1n) throw new RangeError('value has no inverse');
  return coefficient < 0n ? coefficient + modulus : coefficient;
}
