// Makes, reads and opens key material. The only file that knows JWK, PKCS#8 and raw AES bytes.
import {
  checkPrimeSync,
  createECDH,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { badParameter, ServiceError } from '../service-error.ts';
import { type CurveName, curveByJwkName, curves, toBigInt, toBytes } from './curves.ts';
import type { KeyType, PublicMaterial } from './key-model.ts';

export interface KeySpec {
  readonly kty: KeyType;
  readonly bits?: number | undefined;
  readonly curve?: CurveName | undefined;
  readonly publicExponent?: number | undefined;
}

export interface NewMaterial {
  readonly material: PublicMaterial;
  /** PKCS#8 DER, or the raw AES key. */
  readonly secret: Buffer;
}

const maxExponent = 0xffff_ffffn;

/** What to generate for another key of the same kind. An imported exponent that no create call takes is not kept. */
export function specOf({ kty, bits, crv, e }: PublicMaterial): KeySpec {
  const exponent = e === undefined ? 0n : toBigInt(Buffer.from(e, 'base64url'));
  const isKept = exponent >= 3n && exponent <= maxExponent;
  return { kty, bits, curve: crv, publicExponent: isKept ? Number(exponent) : undefined };
}

const generatePair = promisify(generateKeyPair);

/** Generates a key in libuv's thread pool. The spec is already checked. */
export async function generateMaterial({ kty, bits, curve, publicExponent }: KeySpec): Promise<NewMaterial> {
  if (kty === 'oct-HSM') {
    const size = bits ?? 256;
    return { material: { kty, bits: size }, secret: randomBytes(size / 8) };
  }
  const { privateKey } =
    kty === 'RSA-HSM'
      ? await generatePair('rsa', { modulusLength: bits ?? 2048, publicExponent: publicExponent ?? 0x10001 })
      : await generatePair('ec', { namedCurve: curves[curve ?? 'P-256'].opensslName });
  return ofPrivateKey(privateKey);
}

/** Reads a JWK with private fields (RSA: n e d p q dp dq qi; EC: crv x y d; oct: k). Throws BadParameter. */
export function readJwk(kty: KeyType, jwk: Readonly<Record<string, unknown>>): NewMaterial {
  if (kty === 'oct-HSM') return readOct(jwk);
  const plainType = kty.replace('-HSM', '');
  const crv = jwk.crv === 'P-256K' ? 'secp256k1' : jwk.crv;
  try {
    const { key_ops: _ops, kid: _kid, ...fields } = jwk;
    const input = { ...fields, kty: plainType, ...(crv === undefined ? {} : { crv }) } as JsonWebKey;
    const privateKey = createPrivateKey({ key: input, format: 'jwk' });
    assertConsistent(input);
    return ofPrivateKey(privateKey);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw badParameter(`The key is not a valid ${plainType} private key in JWK form`);
  }
}

/** The material of a key that came wrapped: PKCS#8 DER, or the raw bytes of a symmetric key. Throws BadParameter. */
export function ofSecret(kty: KeyType, secret: Buffer): NewMaterial {
  if (kty === 'oct-HSM') return readOct({ k: secret.toString('base64url') });
  try {
    const privateKey = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
    assertConsistent(privateKey.export({ format: 'jwk' }));
    const made = ofPrivateKey(privateKey);
    if (made.material.kty === kty) return made;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
  }
  throw badParameter(`The wrapped key is not a valid ${kty} key in PKCS#8 form`);
}

/** OpenSSL takes numbers that do not belong together; a pool would not. Throws BadParameter. */
function assertConsistent(jwk: JsonWebKey): void {
  const isConsistent = jwk.kty === 'EC' ? isEcPair(jwk) : isRsaKey(jwk);
  if (!isConsistent) throw badParameter('The private and the public numbers of the key do not belong together');
}

const bytesOf = (text: unknown) => Buffer.from(String(text), 'base64url');

function isEcPair({ crv, x, y, d }: JsonWebKey): boolean {
  const curve = curveByJwkName.get(String(crv));
  if (curve === undefined) throw badParameter(`Curve ${String(crv).slice(0, 20)} is not supported`);
  const ecdh = createECDH(curve.opensslName);
  ecdh.setPrivateKey(toBytes(toBigInt(bytesOf(d)), curve.fieldBytes));
  const point = Buffer.concat([x, y].map((part) => toBytes(toBigInt(bytesOf(part)), curve.fieldBytes)));
  return ecdh.getPublicKey().subarray(1).equals(point);
}

/** Of the largest modulus, 4096 bits: primality of longer numbers would take the event loop for minutes. */
const maxRsaBytes = 512;

function isRsaKey(jwk: JsonWebKey): boolean {
  const parts = [jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
  if (parts.some((part) => bytesOf(part).length > maxRsaBytes))
    throw badParameter('The RSA key has more than 4096 bits');
  const number = (text: unknown) => toBigInt(bytesOf(text));
  const [n, e, d, p, q] = [number(jwk.n), number(jwk.e), number(jwk.d), number(jwk.p), number(jwk.q)];
  const [dp, dq, qi] = [number(jwk.dp), number(jwk.dq), number(jwk.qi)];
  if (p < 3n || q < 3n || p * q !== n || !checkPrimeSync(p) || !checkPrimeSync(q)) return false;
  if ((e * d) % (p - 1n) !== 1n || (e * d) % (q - 1n) !== 1n) return false;
  return dp === d % (p - 1n) && dq === d % (q - 1n) && (qi * q) % p === 1n;
}

function readOct(jwk: Readonly<Record<string, unknown>>): NewMaterial {
  const secret = Buffer.from(typeof jwk.k === 'string' ? jwk.k : '', 'base64url');
  if (secret.length > 64) throw badParameter('The length of k must be at most 64 bytes');
  // 512 bits are for HMAC.
  if (![16, 24, 32, 64].includes(secret.length)) {
    throw badParameter(`The symmetric key has ${secret.length * 8} bits; 128, 192, 256 and 512 are supported`);
  }
  return { material: { kty: 'oct-HSM', bits: secret.length * 8 }, secret };
}

/** The usable key of kept material. */
export function openMaterial(material: PublicMaterial, secret: Buffer): KeyObject {
  if (material.kty === 'oct-HSM') return createSecretKey(secret);
  return createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
}

function ofPrivateKey(privateKey: KeyObject): NewMaterial {
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  if (jwk.kty === 'RSA') {
    const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (![2048, 3072, 4096].includes(bits)) throw badParameter(`RSA key size ${bits} is not supported`);
    return { material: { kty: 'RSA-HSM', bits, ...text('n', jwk.n), ...text('e', jwk.e) }, secret };
  }
  const curve = curveByJwkName.get(String(jwk.crv));
  if (curve === undefined) throw badParameter(`Curve ${jwk.crv} is not supported`);
  const coordinate = (value: unknown) =>
    toBytes(toBigInt(Buffer.from(String(value), 'base64url')), curve.fieldBytes).toString('base64url');
  return { material: { kty: 'EC-HSM', crv: curve.name, x: coordinate(jwk.x), y: coordinate(jwk.y) }, secret };
}

const text = <Name extends string>(name: Name, value: string | undefined) =>
  ({ [name]: value ?? '' }) as Record<Name, string>;
