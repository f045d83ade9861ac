/** Signatures and their verification (5.11 and 5.12). */

import * as ck from '../../../lib/pkcs11/constants.ts';
import type { SignatureScheme } from '../../signature-schemes.ts';
import type { ModelKey } from '../objects.ts';
import { capacityOf, checkLength, codeOfOutput, isGiven, type Room } from '../output.ts';
import type { Model, ModelSession, Signature } from '../state.ts';
import { codeOf, inSession, pick, type Scene } from '../step.ts';

const { CKR_OK, CKR_OPERATION_NOT_INITIALIZED: NOT_INITIALIZED } = ck;

type Kind = 'signing' | 'verifying';

const keyFor = ({ token }: ModelSession, { key }: SignatureScheme, which: number): ModelKey | undefined =>
  pick(
    token.keys.filter(({ kind }) => kind === key),
    which,
  );

const start = (kind: Kind) => (which: number, scheme: SignatureScheme, key: number) =>
  inSession(`begin ${kind} by ${scheme.name}`, which, async ({ model, real, session, handle, client }) => {
    const chosen = keyFor(session, scheme, key);
    if (chosen === undefined) return;
    const object = kind === 'signing' ? chosen.private : chosen.public;
    const code = codeOf(session, () => model.codeOfKeyedStart(session, kind, object));
    const name = kind === 'signing' ? 'signInit' : 'verifyInit';
    const request = { mechanism: scheme.mechanism, key: real.object(session.application, object) };
    await client.gives(code, name, { session: handle, ...request });
    if (code === CKR_OK) session.operations[kind] = { scheme, key: chosen, parts: [] };
    else if (code !== ck.CKR_OPERATION_ACTIVE) session.operations[kind] = undefined;
  });

export const signInit = start('signing');
export const verifyInit = start('verifying');

const update = (kind: Kind) => (which: number, text: Uint8Array) =>
  inSession(`${kind} ${text.length} bytes more`, which, async ({ session, handle, client }) => {
    const operation = session.operations[kind];
    const part = (kind === 'verifying' ? signedBefore(operation)?.text : undefined) ?? text;
    const code = codeOf(session, () => (operation?.scheme.hashes === true ? CKR_OK : NOT_INITIALIZED));
    await client.gives(code, kind === 'signing' ? 'signUpdate' : 'verifyUpdate', { session: handle, part });
    if (code === CKR_OK) operation?.parts.push(part);
    else session.operations[kind] = undefined;
  });

export const signUpdate = update('signing');
/** The first part is what the key has signed before, so that a verification may succeed. */
export const verifyUpdate = update('verifying');

const signedBefore = (operation: Signature | undefined) =>
  operation?.parts.length === 0 ? operation.key.signed.get(operation.scheme) : undefined;

/** The code of what the HSM signs with a key that may have been destroyed since. */
const codeOfSigning = ({ rules }: Model, { key }: Signature): number =>
  key.private.isThere ? CKR_OK : rules.keyGoneMeanwhile;

/** Keeps the signature for verifications. */
function keep({ key, scheme }: Signature, text: Uint8Array, signature: Uint8Array | null | undefined): void {
  if (signature !== null && signature !== undefined) key.signed.set(scheme, { text, signature });
}

/** Ends what was begun, where the code of the call does. */
function endSigning({ session }: Scene, rv: number, capacity: number | null): void {
  if (isGiven(rv, capacity) || (rv !== CKR_OK && rv !== ck.CKR_BUFFER_TOO_SMALL))
    session.operations.signing = undefined;
}

export const signFinal = (which: number, room: Room) =>
  inSession(`end signing, room: ${room}`, which, async (scene) => {
    const { model, session, handle, client } = scene;
    const { signing } = session.operations;
    const needed = signing?.scheme.key.signatureBytes ?? 64;
    const capacity = capacityOf(room, needed, client.subject);
    const hasNoParts = signing?.scheme.hashes === false;
    const code = codeOf(session, () => {
      if (signing === undefined) return NOT_INITIALIZED;
      if (hasNoParts && !model.rules.tooSmallBeforeNoParts) return NOT_INITIALIZED;
      const output = codeOfOutput(capacity, needed);
      if (output !== CKR_OK || capacity === null) return output;
      return hasNoParts ? NOT_INITIALIZED : codeOfSigning(model, signing);
    });
    const { rv, values } = await client.answers(code, 'signFinal', { session: handle, signature: capacity });
    checkLength(values?.signature, capacity, needed);
    if (signing !== undefined && isGiven(rv, capacity)) {
      keep(signing, Buffer.concat(signing.parts), values?.signature.bytes);
    }
    if (!hasNoParts || model.rules.finalWithoutPartsEnds) endSigning(scene, rv, capacity);
  });

export const sign = (which: number, text: Uint8Array, room: Room) =>
  inSession(`sign ${text.length} bytes, room: ${room}`, which, async (scene) => {
    const { model, session, handle, client } = scene;
    const { signing } = session.operations;
    const needed = signing?.scheme.key.signatureBytes ?? 64;
    const capacity = capacityOf(room, needed, client.subject);
    const hasParts = signing !== undefined && signing.parts.length > 0;
    const code = codeOf(session, () => {
      if (signing === undefined || hasParts) return NOT_INITIALIZED;
      const output = codeOfOutput(capacity, needed);
      return output !== CKR_OK || capacity === null ? output : codeOfSigning(model, signing);
    });
    const data = signing?.scheme.input(text) ?? text;
    const { rv, values } = await client.answers(code, 'sign', { session: handle, data, signature: capacity });
    checkLength(values?.signature, capacity, needed);
    if (signing !== undefined && isGiven(rv, capacity)) keep(signing, text, values?.signature.bytes);
    if (!hasParts || model.rules.wholeAfterParts.sign === 'ends') endSigning(scene, rv, capacity);
  });

/** One that nobody made, of the right length. */
const forged = (operation: Signature | undefined): Uint8Array =>
  new Uint8Array(operation?.scheme.key.signatureBytes ?? 64).fill(1);

/** The signature of what the key has signed last, else one that nobody made. */
export const verify = (which: number, text: Uint8Array, isRight: boolean) =>
  inSession(`verify ${isRight ? 'what was signed' : `${text.length} bytes`}`, which, async (scene) => {
    const { model, session, handle, client } = scene;
    const { verifying } = session.operations;
    const hasParts = verifying !== undefined && verifying.parts.length > 0;
    const signed = isRight ? signedBefore(verifying) : undefined;
    const code = codeOf(session, () => {
      if (verifying === undefined || hasParts) return NOT_INITIALIZED;
      return signed === undefined ? ck.CKR_SIGNATURE_INVALID : CKR_OK;
    });
    const message = signed?.text ?? text;
    const data = verifying?.scheme.input(message) ?? message;
    const signature = signed?.signature ?? forged(verifying);
    await client.gives(code, 'verify', { session: handle, data, signature });
    if (!hasParts || model.rules.wholeAfterParts.verify === 'ends') session.operations.verifying = undefined;
  });

export const verifyFinal = (which: number) =>
  inSession('end verifying', which, async ({ model, session, handle, client }) => {
    const { verifying } = session.operations;
    const hasNoParts = verifying?.scheme.hashes === false;
    const signed = verifying?.key.signed.get(verifying.scheme);
    const isRight = signed !== undefined && Buffer.concat(verifying?.parts ?? []).equals(signed.text);
    const code = codeOf(session, () => {
      if (verifying === undefined || hasNoParts) return NOT_INITIALIZED;
      return isRight ? CKR_OK : ck.CKR_SIGNATURE_INVALID;
    });
    await client.gives(code, 'verifyFinal', { session: handle, signature: signed?.signature ?? forged(verifying) });
    if (!hasNoParts || model.rules.finalWithoutPartsEnds) session.operations.verifying = undefined;
  });
