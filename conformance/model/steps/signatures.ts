/** Signatures and their verification (5.11 and 5.12). */

import * as ck from '../../../lib/pkcs11/constants.ts';
import type { SignatureScheme } from '../../signature-schemes.ts';
import type { Signed } from '../objects.ts';
import { capacityOf, checkLength, codeOfOutput, isGiven, type Room } from '../output.ts';
import type { Model, ModelSession, Signature } from '../state.ts';
import { codeOf, inSession, pick, type Scene, where, whereLoggedIn } from '../step.ts';

const { CKR_OK, CKR_OPERATION_NOT_INITIALIZED: NOT_INITIALIZED } = ck;

type Kind = 'signing' | 'verifying';

type Choose = (session: ModelSession) => Signed | undefined;

/** A key that fits the scheme. */
const keyFor =
  (scheme: SignatureScheme, which: number): Choose =>
  ({ token }) => {
    const keys = token.keys.filter(({ kind }) => kind === scheme.key);
    const key = pick(keys, which);
    return key && { scheme, key };
  };

const begin = (kind: Kind, what: string, which: number, choose: Choose) =>
  inSession(`begin ${kind} ${what}`, which, whereLoggedIn, async ({ model, real, session, handle, client }) => {
    const chosen = choose(session);
    if (chosen === undefined) return;
    const object = kind === 'signing' ? chosen.key.private : chosen.key.public;
    const code = codeOf(session, () => model.codeOfKeyedStart(session, kind, object));
    const name = kind === 'signing' ? 'signInit' : 'verifyInit';
    const request = { mechanism: chosen.scheme.mechanism, key: real.object(session.application, object) };
    await client.gives(code, name, { session: handle, ...request });
    if (code === CKR_OK) session.operations[kind] = { ...chosen, parts: [] };
    else if (code !== ck.CKR_OPERATION_ACTIVE) session.operations[kind] = undefined;
  });

export const signInit = (which: number, scheme: SignatureScheme, key: number) =>
  begin('signing', `by ${scheme.name}`, which, keyFor(scheme, key));
export const verifyInit = (which: number, scheme: SignatureScheme, key: number) =>
  begin('verifying', `by ${scheme.name}`, which, keyFor(scheme, key));
/** By the key and the scheme of the token's last signature. */
export const verifyLast = (which: number) =>
  begin('verifying', 'what was signed last', which, ({ token }) => token.lastSigned);

const update = (kind: Kind) => (which: number, text: Uint8Array) =>
  inSession(`${kind} ${text.length} bytes more`, which, where(kind), async ({ session, handle, client }) => {
    const operation = session.operations[kind];
    const signed = kind === 'verifying' ? signedBefore(operation)?.text : undefined;
    const part = signed ?? text;
    const code = codeOf(session, () => (operation?.scheme.hashes === true ? CKR_OK : NOT_INITIALIZED));
    await client.gives(code, kind === 'signing' ? 'signUpdate' : 'verifyUpdate', { session: handle, part });
    if (code === CKR_OK) operation?.parts.push(part);
    else session.operations[kind] = undefined;
  });

export const signUpdate = update('signing');
/** The first part is what the key has signed before, so that a verification may succeed. */
export const verifyUpdate = update('verifying');

/** Not the empty message: SoftHSM refuses data and parts without bytes, and verifies it by C_VerifyFinal alone. */
function signedBefore(operation: Signature | undefined) {
  const signed = operation?.parts.length === 0 ? operation.key.signed.get(operation.scheme) : undefined;
  return signed?.text.length === 0 ? undefined : signed;
}

/** The code of what the HSM signs with a key that may have been destroyed since. */
const codeOfSigning = ({ rules }: Model, { key }: Signature): number =>
  key.private.isThere ? CKR_OK : rules.keyGoneMeanwhile;

/** Keeps the signature for verifications. */
function keep(
  { token }: ModelSession,
  by: Signature,
  text: Uint8Array,
  signature: Uint8Array | null | undefined,
): void {
  const { key, scheme } = by;
  if (signature === null || signature === undefined) return;
  key.signed.set(scheme, { text, signature });
  token.lastSigned = { key, scheme };
}

/** Ends what was begun, where the code of the call does. */
function endSigning({ session }: Scene, rv: number, capacity: number | null): void {
  if (isGiven(rv, capacity) || (rv !== CKR_OK && rv !== ck.CKR_BUFFER_TOO_SMALL))
    session.operations.signing = undefined;
}

export const signFinal = (which: number, room: Room) =>
  inSession(`end signing, room: ${room}`, which, where('signing'), async (scene) => {
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
      keep(session, signing, Buffer.concat(signing.parts), values?.signature.bytes);
    }
    if (!hasNoParts || model.rules.finalWithoutPartsEnds) endSigning(scene, rv, capacity);
  });

export const sign = (which: number, text: Uint8Array, room: Room) =>
  inSession(`sign ${text.length} bytes, room: ${room}`, which, where('signing'), async (scene) => {
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
    if (signing !== undefined && isGiven(rv, capacity)) keep(session, signing, text, values?.signature.bytes);
    if (!hasParts || model.rules.wholeAfterParts.sign === 'ends') endSigning(scene, rv, capacity);
  });

/** One that nobody made, of the right length. */
const forged = (operation: Signature | undefined): Uint8Array =>
  new Uint8Array(operation?.scheme.key.signatureBytes ?? 64).fill(1);

/** The signature of what the key has signed last, else one that nobody made. */
export const verify = (which: number, text: Uint8Array, isRight: boolean) =>
  inSession(
    `verify ${isRight ? 'what was signed' : `${text.length} bytes`}`,
    which,
    where('verifying'),
    async (scene) => {
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
    },
  );

export const verifyFinal = (which: number) =>
  inSession('end verifying', which, where('verifying'), async ({ model, session, handle, client }) => {
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
