// Point arithmetic for verification. Public values only: nothing here tries to be constant in time.
import { type Curve, invert, type Point } from './curves.ts';

/** (X : Y : Z) with x = X/Z², y = Y/Z³; Z = 0 is the point at infinity. */
interface Jacobian {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

const infinity: Jacobian = { x: 1n, y: 1n, z: 0n };

/** u1·G + u2·Q, or undefined for the point at infinity (Shamir's trick: both scalars in one pass). */
export function multiplyAdd(curve: Curve, u1: bigint, u2: bigint, q: Point): Point | undefined {
  const first: Jacobian = { ...curve.generator, z: 1n };
  const second: Jacobian = { ...q, z: 1n };
  const steps = [undefined, first, second, add(curve, first, second)];
  let sum = infinity;
  for (let bit = BigInt(curve.fieldBytes * 8 - 1); bit >= 0n; bit -= 1n) {
    sum = double(curve, sum);
    const step = steps[Number((u1 >> bit) & 1n) + 2 * Number((u2 >> bit) & 1n)];
    if (step !== undefined) sum = add(curve, sum, step);
  }
  return affine(curve, sum);
}

function affine(curve: Curve, point: Jacobian): Point | undefined {
  if (point.z === 0n) return undefined;
  const p = curve.prime;
  const inverse = invert(point.z, p);
  const square = (inverse * inverse) % p;
  return { x: (point.x * square) % p, y: (point.y * ((square * inverse) % p)) % p };
}

function double(curve: Curve, point: Jacobian): Jacobian {
  if (point.z === 0n || point.y === 0n) return infinity;
  const p = curve.prime;
  const ySquare = (point.y * point.y) % p;
  const s = (4n * point.x * ySquare) % p;
  const zSquare = (point.z * point.z) % p;
  const m = (3n * point.x * point.x + curve.a * ((zSquare * zSquare) % p)) % p;
  const x = reduce(m * m - 2n * s, p);
  const y = reduce(m * (s - x) - 8n * ySquare * ySquare, p);
  return { x, y, z: (2n * point.y * point.z) % p };
}

function add(curve: Curve, left: Jacobian, right: Jacobian): Jacobian {
  if (left.z === 0n) return right;
  if (right.z === 0n) return left;
  const p = curve.prime;
  const leftZ2 = (left.z * left.z) % p;
  const rightZ2 = (right.z * right.z) % p;
  const u1 = (left.x * rightZ2) % p;
  const u2 = (right.x * leftZ2) % p;
  const s1 = (left.y * ((rightZ2 * right.z) % p)) % p;
  const s2 = (right.y * ((leftZ2 * left.z) % p)) % p;
  if (u1 === u2) return s1 === s2 ? double(curve, left) : infinity;
  const h = reduce(u2 - u1, p);
  const slope = reduce(s2 - s1, p);
  const h2 = (h * h) % p;
  const h3 = (h2 * h) % p;
  const x = reduce(slope * slope - h3 - 2n * u1 * h2, p);
  const y = reduce(slope * (u1 * h2 - x) - s1 * h3, p);
  return { x, y, z: (((h * left.z) % p) * right.z) % p };
}

function reduce(value: bigint, p: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}
