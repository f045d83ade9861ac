/** The two spellings of an ECDSA signature: r‖s of PKCS#11, and the SEQUENCE of r and s of X.509 and OpenSSL. */
import { concat, der, derInteger, inside, TAG } from './der.ts';

/** DER ECDSA-Sig-Value (RFC 3279, 2.2.3) of r‖s. */
export function derOfRaw(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return der(TAG.sequence, derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half)));
}

function fixed(integer: Uint8Array, bytes: number): Uint8Array | undefined {
  const magnitude = integer[0] === 0 ? integer.subarray(1) : integer;
  if (magnitude.length > bytes) return undefined;
  return concat(new Uint8Array(bytes - magnitude.length), magnitude);
}

/** r‖s of a DER signature, each of `fieldBytes`; undefined when the bytes are none. */
export function rawOfDer(bytes: Uint8Array, fieldBytes: number): Uint8Array | undefined {
  const elements = inside(TAG.sequence, bytes);
  if (elements?.length !== 2 || elements.some(({ tag }) => tag !== TAG.integer)) return undefined;
  const [r, s] = elements.map(({ value }) => fixed(value, fieldBytes));
  return r === undefined || s === undefined ? undefined : concat(r, s);
}
