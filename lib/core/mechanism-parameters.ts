/** The parameters that come with a mechanism (mechanisms specification 2.40: section 2.1 for OAEP and PSS). */

import { CKZ_DATA_SPECIFIED } from '../pkcs11/constants.ts';
import type { Mechanism } from './calls.ts';
import { type Hash, hashes } from './hashes.ts';
import type { SignatureMechanism } from './mechanisms.ts';
import { mechanismParamInvalid } from './refusals.ts';
import { type Padding, paddings } from './rsa-encryption.ts';

/** Bytes of a CK_RSA_PKCS_PSS_PARAMS: hashAlg, mgf, sLen, each a CK_ULONG, little-endian. */
export const PSS_PARAMETER_BYTES = 24;

/**
 * Bytes of a CK_RSA_PKCS_OAEP_PARAMS: hashAlg, mgf, source, pSourceData, ulSourceDataLen, each of 8 bytes, little-endian.
 * The pointer means nothing here and is not looked at.
 */
export const OAEP_PARAMETER_BYTES = 40;

function ulongAt(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
  return view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
}

/**
 * The hash of CKM_RSA_PKCS_PSS and its kin. The service signs with MGF1 over the same hash and a salt as long as the
 * hash (PS256, PS384, PS512); anything else is CKR_MECHANISM_PARAM_INVALID. `required`: the mechanism's own hash.
 */
function pssHash(mechanism: Mechanism, required: Hash | undefined): Hash {
  const { type, parameter } = mechanism;
  if (parameter?.length !== PSS_PARAMETER_BYTES) {
    throw mechanismParamInvalid(type, `CK_RSA_PKCS_PSS_PARAMS has ${PSS_PARAMETER_BYTES} bytes`);
  }
  const hashMechanism = ulongAt(parameter, 0);
  const hash = hashes.find((row) => row.mechanism === hashMechanism);
  if (hash === undefined) throw mechanismParamInvalid(type, 'the hash is none of SHA-256, SHA-384, SHA-512');
  if (required !== undefined && hash !== required) {
    throw mechanismParamInvalid(type, `the hash is ${hash.name}, the mechanism's is ${required.name}`);
  }
  if (ulongAt(parameter, 8) !== hash.mgf)
    throw mechanismParamInvalid(type, 'the mask function is not MGF1 of the hash');
  if (ulongAt(parameter, 16) !== hash.bytes) {
    throw mechanismParamInvalid(type, `the HSM salts with ${hash.bytes} bytes, the length of the hash`);
  }
  return hash;
}

/**
 * The padding of CKM_RSA_PKCS_OAEP. The service knows SHA-1 and SHA-256, each with MGF1 over the same hash and without
 * a label; anything else is CKR_MECHANISM_PARAM_INVALID.
 */
export function oaepPadding({ type, parameter }: Mechanism): Padding {
  if (parameter?.length !== OAEP_PARAMETER_BYTES) {
    throw mechanismParamInvalid(type, `CK_RSA_PKCS_OAEP_PARAMS has ${OAEP_PARAMETER_BYTES} bytes`);
  }
  const hashMechanism = ulongAt(parameter, 0);
  const padding = paddings.find(({ hash }) => hash?.mechanism === hashMechanism);
  if (padding === undefined) throw mechanismParamInvalid(type, 'the hash is neither SHA-1 nor SHA-256');
  if (ulongAt(parameter, 8) !== padding.hash?.mgf)
    throw mechanismParamInvalid(type, 'the mask function is not MGF1 of the hash');
  const [source, labelBytes] = [ulongAt(parameter, 16), ulongAt(parameter, 32)];
  if (labelBytes !== 0)
    throw mechanismParamInvalid(type, `the HSM takes no label, and this one has ${labelBytes} bytes`);
  // Without data, callers leave the source at zero or name the only one there is.
  if (source !== 0 && source !== CKZ_DATA_SPECIFIED)
    throw mechanismParamInvalid(type, 'the source is not specified data');
  return padding;
}

/** CKR_MECHANISM_PARAM_INVALID when a mechanism that takes no parameter has one. */
export function refuseParameter(mechanism: Mechanism): void {
  if (mechanism.parameter !== null && mechanism.parameter.length > 0) {
    throw mechanismParamInvalid(mechanism.type, 'it takes no parameter');
  }
}

/** The hash that a signature mechanism works with: its own, its parameter's, or undefined when the data tells. */
export function hashOfSignature(row: SignatureMechanism, mechanism: Mechanism): Hash | undefined {
  if (row.scheme === 'pss') return pssHash(mechanism, row.hash);
  refuseParameter(mechanism);
  return row.hash;
}
