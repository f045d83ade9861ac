/** The steps of the state machine: each makes one call, predicts its code and values, and moves the model on. */

import { createHash } from 'node:crypto';
import type * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, classIs, equal, labelIs, type RO, ROOM, type RW } from '../client.ts';
import type { TestHash, TestKey } from '../keys.ts';
import type { SignatureScheme } from '../signature-schemes.ts';
import type { Real } from './real.ts';
import { type Kind, type Model, ModelSession } from './state.ts';

const { CKR_OK, CKR_OPERATION_NOT_INITIALIZED: NOT_INITIALIZED, CKR_BUFFER_TOO_SMALL } = ck;

type Act = (model: Model, real: Real, session: ModelSession, handle: number) => Promise<void>;

/** What a step does, and how a report names it. */
export class Step implements fc.AsyncCommand<Model, Real> {
  readonly #words: string;
  readonly #act: (model: Model, real: Real) => Promise<void>;

  constructor(words: string, act: (model: Model, real: Real) => Promise<void>) {
    this.#words = words;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): Promise<void> {
    return this.#act(model, real);
  }

  toString(): string {
    return this.#words;
  }
}

/** A session that was never opened, which is to a module as one that was closed. */
function absent(): ModelSession {
  const session = new ModelSession(0);
  session.isOpen = false;
  return session;
}

/** A step in one of the sessions opened so far, closed ones among them. */
function inSession(words: string, which: number, act: Act): Step {
  return new Step(`${words} in session ${which}`, (model, real) => {
    const number = model.sessions.length === 0 ? 0 : which % model.sessions.length;
    return act(model, real, model.sessions[number] ?? absent(), real.session(number));
  });
}

/** The code that comes of a session that is not open, else what `then` says. */
const codeOf = (session: ModelSession, then: () => number): number =>
  session.isOpen ? then() : ck.CKR_SESSION_HANDLE_INVALID;

const isActive = (session: ModelSession, kind: Kind) => (): number =>
  session.operations[kind] === undefined ? NOT_INITIALIZED : CKR_OK;

export const openSession = (flags: typeof RO | typeof RW) =>
  new Step(`open ${flags}`, async (model, real) => {
    const { session } = await real.client.ok('openSession', { slot: real.client.subject.slot, flags });
    model.open(flags);
    real.sessions.push(session);
  });

export const closeSession = (which: number) =>
  inSession('close', which, async (model, real, session, handle) => {
    await real.client.gives(
      codeOf(session, () => CKR_OK),
      'closeSession',
      { session: handle },
    );
    if (session.isOpen) model.close(session);
  });

export const closeAllSessions = () =>
  new Step('close all', async (model, real) => {
    await real.client.ok('closeAllSessions', { slot: real.client.subject.slot });
    for (const session of model.sessions) model.close(session);
  });

export const readState = (which: number) =>
  inSession('state', which, async (model, real, session, handle) => {
    const code = codeOf(session, () => CKR_OK);
    const { rv, values } = await real.client.call('getSessionInfo', { session: handle });
    equal(rv, code, 'the code of C_GetSessionInfo');
    if (rv === CKR_OK) equal(values?.state, model.stateOf(session), 'the state');
  });

export const login = (which: number, isRight: boolean) =>
  inSession(isRight ? 'login' : 'login with a wrong PIN', which, async (model, real, session, handle) => {
    const { pin, wrongPin } = real.client.subject;
    const code = codeOf(session, () => {
      if (model.isLoggedIn) return ck.CKR_USER_ALREADY_LOGGED_IN;
      return isRight ? CKR_OK : ck.CKR_PIN_INCORRECT;
    });
    const request = { session: handle, userType: ck.CKU_USER, pin: isRight ? pin : wrongPin };
    if ((await real.client.gives(code, 'login', request)) !== CKR_OK) return;
    model.isLoggedIn = true;
    model.knowsHandles = true;
    await real.findKeys();
  });

export const logout = (which: number) =>
  inSession('logout', which, async (model, real, session, handle) => {
    const code = codeOf(session, () => (model.isLoggedIn ? CKR_OK : model.rules.logoutWithoutLogin));
    if ((await real.client.gives(code, 'logout', { session: handle })) === CKR_OK) model.logout();
  });

export const findInit = (which: number, key: TestKey) =>
  inSession(`begin to search ${key.label}`, which, async (model, real, session, handle) => {
    const template = [classIs(ck.CKO_PRIVATE_KEY), labelIs(model.labelOf(key))];
    const code = codeOf(session, () => model.codeOfStart(session, 'search'));
    await real.client.gives(code, 'findObjectsInit', { session: handle, template });
    if (code === CKR_OK)
      session.operations.search = { left: model.isLoggedIn ? model.keysLabelled(model.labelOf(key)) : 0 };
  });

export const find = (which: number, max: number) =>
  inSession(`find ${max}`, which, async (_model, real, session, handle) => {
    const { rv, values } = await real.client.call('findObjects', { session: handle, max });
    equal(rv, codeOf(session, isActive(session, 'search')), 'the code of C_FindObjects');
    const { search } = session.operations;
    if (search === undefined || rv !== CKR_OK) return;
    equal(values?.handles.length, Math.min(max, search.left), 'the number of objects');
    search.left = Math.max(0, search.left - max);
  });

export const findFinal = (which: number) =>
  inSession('end the search', which, async (_model, real, session, handle) => {
    const code = codeOf(session, isActive(session, 'search'));
    await real.client.gives(code, 'findObjectsFinal', { session: handle });
    session.operations.search = undefined;
  });

export const digestInit = (which: number, hash: TestHash) =>
  inSession(`begin a digest ${hash.name}`, which, async (model, real, session, handle) => {
    const code = codeOf(session, () => model.codeOfStart(session, 'digesting'));
    await real.client.gives(code, 'digestInit', { session: handle, mechanism: bare(hash.digest) });
    if (code === CKR_OK) session.operations.digesting = { hash, parts: [] };
  });

export const digestUpdate = (which: number, part: Uint8Array) =>
  inSession(`digest ${part.length} bytes more`, which, async (_model, real, session, handle) => {
    const code = codeOf(session, isActive(session, 'digesting'));
    await real.client.gives(code, 'digestUpdate', { session: handle, part });
    if (code === CKR_OK) session.operations.digesting?.parts.push(part);
  });

export const digestFinal = (which: number, room: number) =>
  inSession(`end the digest with room for ${room}`, which, async (_model, real, session, handle) => {
    const { digesting } = session.operations;
    const code = codeOf(session, () => {
      if (digesting === undefined) return NOT_INITIALIZED;
      return room < digesting.hash.bytes ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    });
    const { rv, values } = await real.client.call('digestFinal', { session: handle, digest: room });
    equal(rv, code, 'the code of C_DigestFinal');
    if (digesting === undefined || rv !== CKR_OK) return;
    const promised = createHash(digesting.hash.name).update(Buffer.concat(digesting.parts)).digest();
    equal(values?.digest.bytes, promised, 'the digest');
    session.operations.digesting = undefined;
  });

export const signInit = (which: number, scheme: SignatureScheme) =>
  inSession(`begin to sign by ${scheme.name}`, which, async (model, real, session, handle) => {
    const code = codeOf(session, () => {
      const start = model.codeOfStart(session, 'signing');
      if (start !== CKR_OK) return start;
      return model.isLoggedIn ? CKR_OK : model.rules.keyAfterLogout;
    });
    const key = real.privateKey(scheme.key);
    await real.client.gives(code, 'signInit', { session: handle, mechanism: scheme.mechanism, key });
    if (code === CKR_OK) session.operations.signing = { scheme, parts: [] };
  });

export const signUpdate = (which: number, part: Uint8Array) =>
  inSession(`sign ${part.length} bytes more`, which, async (_model, real, session, handle) => {
    const { signing } = session.operations;
    const code = codeOf(session, () => (signing?.scheme.hashes === true ? CKR_OK : NOT_INITIALIZED));
    await real.client.gives(code, 'signUpdate', { session: handle, part });
    if (code === CKR_OK) signing?.parts.push(part);
    else session.operations.signing = undefined;
  });

export const signFinal = (which: number, room: number) =>
  inSession(`end the signature with room for ${room}`, which, async (model, real, session, handle) => {
    const { signing } = session.operations;
    const code = codeOf(session, () => {
      if (signing === undefined) return NOT_INITIALIZED;
      if (!signing.scheme.hashes && !model.rules.tooSmallBeforeNoParts) return NOT_INITIALIZED;
      if (room < signing.scheme.key.signatureBytes) return CKR_BUFFER_TOO_SMALL;
      return signing.scheme.hashes ? CKR_OK : NOT_INITIALIZED;
    });
    const { rv } = await real.client.call('signFinal', { session: handle, signature: room });
    equal(rv, code, 'the code of C_SignFinal');
    const goesOn = signing?.scheme.hashes === false && !model.rules.finalWithoutPartsEnds;
    if (rv !== CKR_BUFFER_TOO_SMALL && !goesOn) session.operations.signing = undefined;
  });

export const sign = (which: number, text: Uint8Array, room: number) =>
  inSession(`sign ${text.length} bytes with room for ${room}`, which, async (model, real, session, handle) => {
    const { signing } = session.operations;
    const hasParts = signing !== undefined && signing.parts.length > 0;
    const code = codeOf(session, () => {
      if (signing === undefined || hasParts) return NOT_INITIALIZED;
      return room < signing.scheme.key.signatureBytes ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    });
    const data = signing?.scheme.input(text) ?? text;
    const { rv } = await real.client.call('sign', { session: handle, data, signature: room });
    equal(rv, code, 'the code of C_Sign');
    if (rv === CKR_OK || (hasParts && model.rules.wholeAfterPartsEnds)) session.operations.signing = undefined;
  });

export const verifyInit = (which: number, scheme: SignatureScheme) =>
  inSession(`begin to verify by ${scheme.name}`, which, async (model, real, session, handle) => {
    const code = codeOf(session, () => {
      const start = model.codeOfStart(session, 'verifying');
      if (start !== CKR_OK || model.isLoggedIn) return start;
      if (model.rules.publicNeedsLogin) return ck.CKR_USER_NOT_LOGGED_IN;
      return model.knowsHandles ? CKR_OK : ck.CKR_OBJECT_HANDLE_INVALID;
    });
    const key = real.publicKey(scheme.key);
    await real.client.gives(code, 'verifyInit', { session: handle, mechanism: scheme.mechanism, key });
    if (code === CKR_OK) session.operations.verifying = { scheme, parts: [] };
  });

/** A signature that nobody made. */
export const verify = (which: number, text: Uint8Array) =>
  inSession(`verify ${text.length} bytes`, which, async (_model, real, session, handle) => {
    const { verifying } = session.operations;
    const code = codeOf(session, () => (verifying === undefined ? NOT_INITIALIZED : ck.CKR_SIGNATURE_INVALID));
    const signature = new Uint8Array(verifying?.scheme.key.signatureBytes ?? 64).fill(1);
    const data = verifying?.scheme.input(text) ?? text;
    await real.client.gives(code, 'verify', { session: handle, data, signature });
    session.operations.verifying = undefined;
  });

export const readLabel = (which: number, key: TestKey) =>
  inSession(`read the label of ${key.label}`, which, async (model, real, session, handle) => {
    const code = codeOf(session, () => (model.isLoggedIn ? CKR_OK : ck.CKR_OBJECT_HANDLE_INVALID));
    const queries = [{ type: ck.CKA_LABEL, capacity: ROOM }];
    const request = { session: handle, object: real.privateKey(key), queries };
    const { rv, values } = await real.client.call('getAttributeValue', request);
    equal(rv, code, 'the code of C_GetAttributeValue');
    if (rv === CKR_OK) equal(values?.results[0]?.bytes, labelIs(model.labelOf(key)).value, 'the label');
  });

export const setLabel = (which: number, key: TestKey, label: string) =>
  inSession(`set the label of ${key.label} to ${label}`, which, async (model, real, session, handle) => {
    const code = codeOf(session, () => {
      if (!model.isLoggedIn) return ck.CKR_OBJECT_HANDLE_INVALID;
      return session.flags & ck.CKF_RW_SESSION ? CKR_OK : ck.CKR_SESSION_READ_ONLY;
    });
    const request = { session: handle, object: real.privateKey(key), template: [labelIs(label)] };
    if ((await real.client.gives(code, 'setAttributeValue', request)) === CKR_OK) model.labels.set(key, label);
  });
