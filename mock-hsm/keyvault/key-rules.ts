// What may be asked for when a key is made: which sizes, curves, exponents and operations go with which key type.
import { badParameter } from '../service-error.ts';
import { type CurveName, curves } from './curves.ts';
import type { KeySpec } from './key-material.ts';
import type { KeyType } from './key-model.ts';
import type { KeyAttributes, KeyCreateBody } from './requests.ts';

const sizes: Readonly<Record<KeyType, readonly number[]>> = {
  'RSA-HSM': [2048, 3072, 4096],
  'EC-HSM': [256, 384, 521],
  'oct-HSM': [128, 192, 256],
};

const curveOfSize: Readonly<Record<number, CurveName>> = { 256: 'P-256', 384: 'P-384', 521: 'P-521' };

const defaultKeyOps: Readonly<Record<KeyType, readonly string[]>> = {
  'RSA-HSM': ['wrapKey', 'decrypt', 'encrypt', 'unwrapKey', 'sign', 'verify'],
  'EC-HSM': ['sign', 'verify', 'deriveKey'],
  'oct-HSM': ['wrapKey', 'decrypt', 'encrypt', 'unwrapKey', 'sign', 'verify', 'deriveKey'],
};

/** A pool holds HSM keys only and answers a request for another kind with one. */
export function hsmType(kty: string): KeyType {
  return (kty.endsWith('-HSM') ? kty : `${kty}-HSM`) as KeyType;
}

/** What to generate for a create call. Throws BadParameter when its members do not go together. */
export function keySpecOf(body: KeyCreateBody): KeySpec {
  const kty = hsmType(body.kty);
  const bits = body.key_size ?? undefined;
  if (bits !== undefined && !sizes[kty].includes(bits)) {
    throw badParameter(`Invalid key size: '${bits}'`);
  }
  if (body.crv != null && kty !== 'EC-HSM') throw badParameter(`crv does not go with key type ${kty}`);
  // The SDK for Java writes 0 when its caller named none, whichever the type.
  const exponent = body.public_exponent || undefined;
  if (exponent !== undefined && kty !== 'RSA-HSM') {
    throw badParameter(`public_exponent does not go with key type ${kty}`);
  }
  if (kty === 'EC-HSM') return { kty, curve: curveOf(body.crv ?? undefined, bits) };
  return { kty, bits, publicExponent: exponentOf(exponent) };
}

function curveOf(curve: CurveName | undefined, bits: number | undefined): CurveName {
  const chosen = curve ?? curveOfSize[bits ?? 256] ?? 'P-256';
  if (bits !== undefined && Math.ceil(bits / 8) !== curves[chosen].fieldBytes) {
    throw badParameter(`key_size ${bits} is not the size of curve ${chosen}`);
  }
  return chosen;
}

function exponentOf(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (value < 3 || value > 0xffff_ffff || value % 2 === 0) {
    throw badParameter(`public_exponent ${value} is not supported; it must be odd, from 3 to 4294967295`);
  }
  return value;
}

export interface KeyOpsContext {
  readonly kty: KeyType;
  readonly exportable: boolean;
}

/** The key_ops of a new or changed key: those asked for, or the type's own. Throws BadParameter. */
export function keyOpsOf(asked: readonly string[] | null | undefined, context: KeyOpsContext): readonly string[] {
  if (asked == null) return defaultKeyOps[context.kty];
  const unique = [...new Set(asked)];
  const allowed = allowedKeyOps(context);
  const wrong = unique.find((operation) => !allowed.has(operation));
  if (wrong !== undefined) throw badParameter(`key_ops: ${wrong} is not supported for ${describe(context)}`);
  if (unique.includes('import') && unique.length > 1) {
    throw badParameter('key_ops: import cannot be combined with other operations');
  }
  return unique;
}

function allowedKeyOps({ kty, exportable }: KeyOpsContext): ReadonlySet<string> {
  const allowed = new Set(defaultKeyOps[kty]);
  // A key that wraps the keys that customers bring along.
  if (kty === 'RSA-HSM') allowed.add('import');
  if (exportable) allowed.add('export');
  return allowed;
}

const describe = ({ kty, exportable }: KeyOpsContext) => `a key of type ${kty}${exportable ? '' : ' not exportable'}`;

/** Throws BadParameter when a key would end before it begins. */
export function assertTimes({ nbf, exp }: Pick<KeyAttributes, 'nbf' | 'exp'>): void {
  if (nbf != null && exp != null && exp <= nbf) throw badParameter(`exp ${exp} must be later than nbf ${nbf}`);
}
