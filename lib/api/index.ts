/**
 * Keys in Azure Managed HSM from TypeScript, in this process: find, sign, verify, create. No agent, no native module. And
 * below it, the PKCS#11 state machine that the library for C programs is made of.
 *
 * @module
 */

export { Application } from '../core/application.ts';
export type { Attribute, AttributeQuery, Mechanism, Output } from '../core/calls.ts';
export { Library } from '../core/library.ts';
/** The constants of PKCS#11 2.40, by their names in the standard: `ck.CKA_LABEL`. */
export * as ck from '../pkcs11/constants.ts';
export { BufferTooSmall, Pkcs11Error, type Pkcs11ErrorOptions } from '../pkcs11/error.ts';
export {
  CKA_MHSM_KEY_ENABLED,
  CKA_MHSM_KEY_ID,
  CKA_MHSM_KEY_NAME,
  CKA_MHSM_KEY_VERSION,
} from '../pkcs11/vendor-attributes.ts';
export type { Curve, SigningAlgorithm } from './algorithms.ts';
export type { ConfigurationObject, TokenObject } from './configuration-object.ts';
export type { Credentials, TokenCredential } from './credentials.ts';
export { HsmKey, type SignOptions } from './key.ts';
export { type KeyQuery, ManagedHsm, type NewKey } from './managed-hsm.ts';
export { type OpenOptions, openManagedHsm } from './open.ts';
