/** An active C_Sign or C_Verify operation (sections 5.11 and 5.12). */

import * as ck from '../pkcs11/constants.ts';
import { BufferTooSmall } from '../pkcs11/error.ts';
import type { Mechanism, Output } from './calls.ts';
import { digestOf, type Hash, type Hasher, hasherOf } from './hashes.ts';
import type { PublicKey } from './hsm.ts';
import type { KeyObject } from './key.ts';
import { keyForUse } from './key-use.ts';
import { hashOfSignature } from './mechanism-parameters.ts';
import { mechanismFor, type SignatureMechanism } from './mechanisms.ts';
import { signatureBytes } from './public-key.ts';
import { operationNotInitialized, signatureFromHsmMalformed } from './refusals.ts';
import { type SignatureInput, signatureInput } from './signature-input.ts';
import type { TokenAccess } from './token-access.ts';
import { verifies } from './verification.ts';

export interface SignatureOperation {
  readonly access: TokenAccess;
  readonly keyName: string;
  readonly keyVersion: string;
  readonly publicKey: PublicKey;
  readonly mechanism: SignatureMechanism;
  /** The mechanism's hash or its parameter's; undefined: the data tells, or the curve does not care. */
  readonly hash: Hash | undefined;
  readonly signatureBytes: number;
  /** The hash over the parts given so far; undefined until the first part. */
  hasher: Hasher | undefined;
}

/** What the caller asked for, checked as far as it can be without the key. */
export interface SignatureRequest {
  row: SignatureMechanism;
  hash: Hash | undefined;
}

/** CKR_MECHANISM_INVALID and CKR_MECHANISM_PARAM_INVALID come from here. */
export function signatureRequest(mechanism: Mechanism): SignatureRequest {
  const row = mechanismFor('signature', mechanism.type);
  return { row, hash: hashOfSignature(row, mechanism) };
}

/** CKA_SIGN of a private key or CKA_VERIFY of a public one. */
export type SignatureUse = typeof ck.CKA_SIGN | typeof ck.CKA_VERIFY;

/**
 * The operation, with a key whose material was read. CKR_KEY_FUNCTION_NOT_PERMITTED for the wrong half of a pair or a
 * key that may not, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE.
 */
export function signatureOperation(
  access: TokenAccess,
  object: KeyObject,
  use: SignatureUse,
  { row, hash }: SignatureRequest,
): SignatureOperation {
  const side = use === ck.CKA_SIGN ? 'private' : 'public';
  const publicKey = keyForUse(object, side, use, row);
  const { key } = object;
  return {
    access,
    keyName: key.name,
    keyVersion: key.versionId ?? '',
    publicKey,
    mechanism: row,
    hash,
    signatureBytes: signatureBytes(publicKey),
    hasher: undefined,
  };
}

/** What is signed for data given at once. */
export function inputOfWhole(operation: SignatureOperation, data: Uint8Array): SignatureInput {
  const { mechanism, hash, publicKey } = operation;
  const digest = mechanism.hash === undefined ? data : digestOf(mechanism.hash, data);
  return signatureInput(mechanism.scheme, hash, publicKey, digest);
}

/** Adds a part. Mechanisms without a hash of their own take their data at once: CKR_OPERATION_NOT_INITIALIZED. */
export function addPart(operation: SignatureOperation, part: Uint8Array): void {
  const { hash } = operation.mechanism;
  if (hash === undefined) throw operationNotInitialized('operation in several parts');
  operation.hasher ??= hasherOf(hash);
  operation.hasher.update(part);
}

/** What is signed for the parts given, which may be none. */
export function inputOfParts(operation: SignatureOperation): SignatureInput {
  const { mechanism, hash, publicKey } = operation;
  if (mechanism.hash === undefined) throw operationNotInitialized('operation in several parts');
  const digest = (operation.hasher ?? hasherOf(mechanism.hash)).digest();
  return signatureInput(mechanism.scheme, hash, publicKey, digest);
}

/** Asks the HSM for the signature. */
export function askForSignature(operation: SignatureOperation, input: SignatureInput): Promise<{ signature: Output }> {
  const { access, keyName, keyVersion } = operation;
  return access.identity
    .sign(keyName, keyVersion, input.algorithm, input.digest)
    .then((bytes) => signatureOutput(operation, bytes));
}

function signatureOutput(operation: SignatureOperation, bytes: Uint8Array): { signature: Output } {
  if (bytes.length !== operation.signatureBytes) {
    throw signatureFromHsmMalformed(bytes.length, operation.signatureBytes);
  }
  return { signature: { length: bytes.length, bytes } };
}

/**
 * The convention of section 5.2 for functions that fill a buffer: the length alone for NULL, BufferTooSmall for too
 * little room, and undefined when the output has room. Neither of the first two ends an operation.
 */
export function lengthOnly(capacity: number | null, needed: number): Output | undefined {
  if (capacity === null) return { length: needed, bytes: null };
  if (capacity < needed) throw new BufferTooSmall(needed);
  return undefined;
}

/** Verifies locally with the public key. */
export function isValid(operation: SignatureOperation, input: SignatureInput, signature: Uint8Array): boolean {
  return verifies(operation.publicKey, input, signature);
}
