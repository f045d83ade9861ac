// Whether a key may be used for an operation now (attributes and key_ops).
import { badParameter, forbidden } from '../service-error.ts';
import {
  type EncryptionAlgorithm,
  encryptionAlgorithms,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from './algorithms.ts';
import { introduced, isAtLeast } from './api-versions.ts';
import type { KeyVersion, PublicMaterial } from './key-model.ts';

/** `import`: to unwrap keys that customers bring; `release`: to leave the pool, which no key_ops word is for. */
export type KeyUse = 'sign' | 'verify' | 'encrypt' | 'decrypt' | 'wrapKey' | 'unwrapKey' | 'import' | 'release';

/** "A few minutes" in the service's words: clocks differ. */
const leewayS = 300;

/** Uses that put something new into the world; the others must go on for what exists already. */
const boundToTime: ReadonlySet<KeyUse> = new Set(['sign', 'encrypt', 'wrapKey']);

/** Throws Forbidden when the key is disabled, out of its time or not meant for this use. */
export function assertUsable(key: KeyVersion, use: KeyUse, nowS: number): void {
  if (!key.enabled) throw forbidden('KeyDisabled', `Operation ${use} is not allowed on a disabled key`);
  if (boundToTime.has(use)) {
    if (key.nbf !== undefined && nowS < key.nbf - leewayS) {
      throw forbidden('KeyNotYetValid', `Operation ${use} is not allowed before the key's nbf ${key.nbf}`);
    }
    if (key.exp !== undefined && nowS > key.exp + leewayS) {
      throw forbidden('KeyExpired', `Operation ${use} is not allowed after the key's exp ${key.exp}`);
    }
  }
  if (use !== 'release' && !key.keyOps.includes(use)) {
    throw forbidden(
      'KeyOperationForbidden',
      `Operation ${use} is not permitted on this key; its key_ops do not hold it`,
    );
  }
}

/** The algorithm's row; throws BadParameter when it is unknown, not of this key, or the digest has a wrong length. */
export function signatureAlgorithmFor(
  key: PublicMaterial,
  name: string,
  digest: Buffer,
  apiVersion: string,
): SignatureAlgorithm {
  const algorithm = signatureAlgorithms.get(name);
  const isKnown = algorithm?.kty !== 'oct-HSM' || isAtLeast(apiVersion, introduced.hmac);
  if (algorithm === undefined || !isKnown) throw badParameter(`Algorithm ${shown(name)} is not a signature algorithm`);
  const fits = algorithm.kty === key.kty && (algorithm.curve === undefined || algorithm.curve === key.crv);
  if (!fits) throw badParameter(`Algorithm ${name} does not fit a key of type ${typeOf(key)}`);
  if (algorithm.digestBytes !== undefined && digest.length !== algorithm.digestBytes) {
    throw badParameter(`${name} needs a digest of ${algorithm.digestBytes} bytes, not ${digest.length}`);
  }
  const mostBytes = (key.bits ?? 0) / 8 - 11;
  if (algorithm.digestBytes === undefined && digest.length > mostBytes) {
    throw badParameter(`${name} takes at most ${mostBytes} bytes with this key, not ${digest.length}`);
  }
  return algorithm;
}

export interface CipherBody {
  readonly value: Buffer;
  readonly iv?: Buffer | null | undefined;
  readonly tag?: Buffer | null | undefined;
}

/** As above for the four cipher operations; wrapping alone may use KW. */
export function encryptionAlgorithmFor(
  key: PublicMaterial,
  name: string,
  use: KeyUse,
  body: CipherBody,
): EncryptionAlgorithm {
  const algorithm = encryptionAlgorithms.get(name);
  if (algorithm === undefined) throw badParameter(`Algorithm ${shown(name)} is not an encryption algorithm`);
  const isWrapping = use === 'wrapKey' || use === 'unwrapKey';
  if (algorithm.kty === 'oct-HSM' && (algorithm.mode === 'kw' || algorithm.mode === 'kwp') !== isWrapping) {
    throw badParameter(`Algorithm ${name} cannot be used to ${use}`);
  }
  const fits = algorithm.kty === key.kty && (algorithm.keyBits === undefined || algorithm.keyBits === key.bits);
  if (!fits) throw badParameter(`Algorithm ${name} does not fit a key of type ${typeOf(key)}`);
  const fault = inputFault(algorithm, key, use === 'encrypt' || use === 'wrapKey', body);
  if (fault !== undefined) throw badParameter(`${name}: ${fault}`);
  return algorithm;
}

function inputFault(algorithm: EncryptionAlgorithm, key: PublicMaterial, isInput: boolean, body: CipherBody) {
  const length = body.value.length;
  switch (algorithm.mode) {
    case 'gcm':
      if (isInput) return undefined;
      if (body.iv?.length !== 12) return 'iv must have 12 bytes';
      return body.tag?.length === 16 ? undefined : 'tag must have 16 bytes';
    case 'cbc':
    case 'cbcpad':
      if (body.iv?.length !== 16) return 'iv must have 16 bytes';
      return algorithm.mode === 'cbcpad' || length % 16 === 0 ? undefined : 'value must be a multiple of 16 bytes';
    case 'kw':
      if (length % 8 !== 0 || length < (isInput ? 16 : 24)) return 'value must be a multiple of 8 bytes, at least 16';
      return undefined;
    case 'kwp':
      if (isInput ? length > 0 : length % 8 === 0 && length >= 16) return undefined;
      return isInput ? 'value is empty' : 'value must be a multiple of 8 bytes, at least 16';
    default: {
      const modulusBytes = (key.bits ?? 0) / 8;
      const most = modulusBytes - (algorithm.overheadBytes ?? 0);
      if (isInput) return length <= most ? undefined : `value has ${length} bytes, at most ${most} fit this key`;
      return length === modulusBytes ? undefined : `value must have ${modulusBytes} bytes`;
    }
  }
}

const typeOf = ({ kty, crv, bits }: PublicMaterial) => `${kty} ${crv ?? bits}`;

/** A caller's text, cut before it goes into a message. */
const shown = (text: string) => text.slice(0, 40);
