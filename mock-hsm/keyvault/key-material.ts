// Makes, reads and opens key material. The only file that knows JWK, PKCS#8 and raw AES bytes.
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { badParameter } from '../service-error.ts';
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
    return ofPrivateKey(createPrivateKey({ key: input, format: 'jwk' }));
  } catch {
    throw badParameter(`The key is not a valid ${plainType} private key in JWK form`);
  }
}

function readOct(jwk: Readonly<Record<string, unknown>>): NewMaterial {
  const secret = Buffer.from(typeof jwk.k === 'string' ? jwk.k : '', 'base64url');
  if (secret.length > 64) throw badParameter('The length of k must be at most 64 bytes');
  if (![16, 24, 32].includes(secret.length)) {
    throw badParameter(`The symmetric key has ${secret.length * 8} bits; 128, 192 and 256 are supported`);
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
