// Shamir's secret sharing, byte by byte, in the field of 257 elements, as the tools that read a security domain do it.
import { randomInt } from 'node:crypto';

const prime = 257;
/** A share of one byte: the point in the upper 7 bits, the value (0..256) in the lower 9. */
const valueBits = 9;

/**
 * Splits `secret` so that any `required` of the `count` shares give it back and fewer tell nothing.
 * @returns one share a holder, two bytes little-endian for each byte of the secret
 */
export function splitSecret(secret: Uint8Array, count: number, required: number): Buffer[] {
  const shares = Array.from({ length: count }, () => Buffer.alloc(secret.length * 2));
  for (const [index, byte] of secret.entries()) {
    const coefficients = [...Array.from({ length: required - 1 }, () => randomInt(prime)), byte];
    for (const [holder, share] of shares.entries()) {
      const point = holder + 1;
      const value = coefficients.reduce((sum, coefficient) => (sum * point + coefficient) % prime, 0);
      share.writeUInt16LE((point << valueBits) | value, index * 2);
    }
  }
  return shares;
}

/** Puts the secret together from at least as many shares as were required. Wrong ones give a wrong secret. */
export function joinSecret(shares: readonly Uint8Array[]): Buffer {
  const words = shares.map((share) => Buffer.from(share));
  const length = Math.min(...words.map((share) => share.length)) / 2;
  const secret = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) {
    secret[index] = valueAtZero(words.map((share) => share.readUInt16LE(index * 2)));
  }
  return secret;
}

/** Lagrange's interpolation at 0. */
function valueAtZero(words: readonly number[]): number {
  const points = words.map((word) => ({ x: word >> valueBits, value: word & ((1 << valueBits) - 1) }));
  let sum = 0;
  for (const { x, value } of points) {
    let [numerator, denominator] = [1, 1];
    for (const other of points) {
      if (other.x === x) continue;
      numerator = (numerator * other.x) % prime;
      denominator = (denominator * (prime + other.x - x)) % prime;
    }
    sum = (sum + value * numerator * invert(denominator)) % prime;
  }
  return sum;
}

/** By Fermat: a^(p-2), with p - 2 = 255 = eight ones in binary. */
function invert(value: number): number {
  let result = value;
  for (let i = 0; i < 7; i += 1) result = (((result * result) % prime) * value) % prime;
  return result;
}
