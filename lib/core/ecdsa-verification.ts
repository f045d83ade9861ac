/** ECDSA verification (FIPS 186-4, 6.4.2; SEC 1, 4.1.4). Only public numbers: written for clearness, not constant time. */

import { type Curve, curves } from './curves.ts';
import type { PublicKey } from './hsm.ts';
import { toNumber } from './rsa-verification.ts';

/** Jacobian coordinates: x = X/Z², y = Y/Z³; Z = 0 is the point at infinity. */
type Point = readonly [bigint, bigint, bigint];
const INFINITY: Point = [1n, 1n, 0n];

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [mod(value, modulus), modulus];
  let [x, y] = [1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b] = [b - quotient * a, a];
    [x, y] = [y - quotient * x, x];
  }
  return mod(x, modulus);
}

function double({ p, a }: Curve, [x, y, z]: Point): Point {
  if (z === 0n || y === 0n) return INFINITY;
  const yy = mod(y * y, p);
  const s = mod(4n * x * yy, p);
  const m = mod(3n * x * x + a * mod(z * z * z * z, p), p);
  const x3 = mod(m * m - 2n * s, p);
  return [x3, mod(m * (s - x3) - 8n * yy * yy, p), mod(2n * y * z, p)];
}

function add(curve: Curve, left: Point, right: Point): Point {
  const [x1, y1, z1] = left;
  const [x2, y2, z2] = right;
  if (z1 === 0n) return right;
  if (z2 === 0n) return left;
  const { p } = curve;
  const [zz1, zz2] = [mod(z1 * z1, p), mod(z2 * z2, p)];
  const [u1, u2] = [mod(x1 * zz2, p), mod(x2 * zz1, p)];
  const [s1, s2] = [mod(y1 * zz2 * z2, p), mod(y2 * zz1 * z1, p)];
  if (u1 === u2) return s1 === s2 ? double(curve, left) : INFINITY;
  const [h, r] = [u2 - u1, s2 - s1];
  const hh = mod(h * h, p);
  const hhh = mod(h * hh, p);
  const v = mod(u1 * hh, p);
  const x3 = mod(r * r - hhh - 2n * v, p);
  return [x3, mod(r * (v - x3) - s1 * hhh, p), mod(h * z1 * z2, p)];
}

/** u·G + v·Q, bit by bit over both at once. */
function sum(curve: Curve, u: bigint, v: bigint, q: Point): Point {
  const g: Point = [...curve.g, 1n];
  const both = add(curve, g, q);
  let point = INFINITY;
  for (let bit = BigInt(curve.bits); bit >= 0n; bit -= 1n) {
    point = double(curve, point);
    const [inU, inV] = [(u >> bit) & 1n, (v >> bit) & 1n];
    if (inU && inV) point = add(curve, point, both);
    else if (inU) point = add(curve, point, g);
    else if (inV) point = add(curve, point, q);
  }
  return point;
}

function isOnCurve({ p, a, b }: Curve, x: bigint, y: bigint): boolean {
  return x < p && y < p && mod(y * y - (x * x * x + a * x + b), p) === 0n;
}

/** Whether `signature` (r and s side by side) is the key's over the digest, already fitted to the curve. */
export function verifiesEcdsa(
  key: Extract<PublicKey, { kty: 'EC' }>,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const curve = curves[key.curve];
  if (signature.length !== 2 * curve.fieldBytes) return false;
  const r = toNumber(signature.subarray(0, curve.fieldBytes));
  const s = toNumber(signature.subarray(curve.fieldBytes));
  if (r <= 0n || r >= curve.n || s <= 0n || s >= curve.n) return false;
  const [x, y] = [toNumber(key.x), toNumber(key.y)];
  if (!isOnCurve(curve, x, y)) return false;
  const w = inverse(s, curve.n);
  const [px, , pz] = sum(curve, mod(toNumber(digest) * w, curve.n), mod(r * w, curve.n), [x, y, 1n]);
  if (pz === 0n) return false;
  return mod(px * inverse(pz * pz, curve.p), curve.p) % curve.n === r;
}
