/** Searches, attributes, and keys that come and go (5.7 and 5.14). */

import * as ck from '../../../lib/pkcs11/constants.ts';
import { equal, holds, labelIs, ROOM } from '../../client.ts';
import { p256Key, templatesOf } from '../../keys.ts';
import { type Half, ModelKey, type ModelObject, type Wanted } from '../objects.ts';
import type { ModelSession, Search } from '../state.ts';
import { codeOf, inSession, onToken, pick, type Scene, where, whereLoggedIn, whereWritable } from '../step.ts';

const { CKR_OK, CKR_OPERATION_NOT_INITIALIZED: NOT_INITIALIZED } = ck;

/** Which object a step is about: one of the session's token, or of another one, whose handles mean nothing here. */
export interface Chosen {
  readonly key: number;
  readonly half: Half;
  readonly isOfOtherSlot: boolean;
}

function objectOf({ model, session }: Scene, { key, half, isOfOtherSlot }: Chosen): ModelObject | undefined {
  const strays = isOfOtherSlot && model.rules.handlesStayInSlot;
  const token = strays ? pick(model.tokens, session.token.index + 1) : session.token;
  return pick(token?.keys ?? [], key)?.[half];
}

/** The handle that the session's application has of it, and the code where the object cannot be reached by it. */
function reached(scene: Scene, object: ModelObject | undefined): { handle: number; code: number } {
  const { model, real, session } = scene;
  if (object === undefined) return { handle: 0, code: ck.CKR_OBJECT_HANDLE_INVALID };
  const isHere = session.token.keys.includes(object.key) && model.reaches(session, object);
  const code = isHere ? CKR_OK : ck.CKR_OBJECT_HANDLE_INVALID;
  return { handle: real.object(session.application, object), code };
}

export const findInit = (which: number, chosen: Chosen, wanted: readonly Wanted[]) =>
  inSession(`begin to search by ${wanted.join(', ') || 'nothing'}`, which, whereLoggedIn, async (scene) => {
    const { model, session, handle, client } = scene;
    const example = pick(session.token.keys, chosen.key)?.[chosen.half];
    if (example === undefined) return;
    const code = codeOf(session, () => model.codeOfStart(session, 'search'));
    const template = example.templateOf(wanted);
    await client.gives(code, 'findObjectsInit', { session: handle, template });
    if (code !== CKR_OK) return;
    const seen = session.token.objects.filter((object) => model.sees(session, object));
    session.operations.search = { left: seen.filter((object) => object.matches(example, wanted)) };
  });

/** Takes an object that was found from those that are still to come. */
function take({ real, session }: Scene, { left, outlivedLogin }: Search, found: number): void {
  const { application } = session;
  // Which object it is cannot be told then, only how many there are.
  if (outlivedLogin === true) {
    left.pop();
    return;
  }
  const object = real.objectOf(application, found);
  const isIt = (it: ModelObject) => (object === undefined ? !session.view.known.has(it) : it === object);
  const place = left.findIndex(isIt);
  holds(
    place >= 0,
    `the search gave ${object === undefined ? 'an object' : `the ${object.half} half of ${object.label}`}`,
  );
  left.splice(place, 1);
}

export const find = (which: number, max: number) =>
  inSession(`find ${max}`, which, where('search'), async (scene) => {
    const { session, handle, client } = scene;
    const { search } = session.operations;
    const code = codeOf(session, () => (search === undefined ? NOT_INITIALIZED : CKR_OK));
    const { values } = await client.answers(code, 'findObjects', { session: handle, max });
    if (search === undefined || values === undefined) return;
    equal(values.handles.length, Math.min(max, search.left.length), 'the number of objects');
    for (const found of values.handles) take(scene, search, found);
  });

export const findFinal = (which: number) =>
  inSession('end the search', which, where('search'), async ({ session, handle, client }) => {
    const code = codeOf(session, () => (session.operations.search === undefined ? NOT_INITIALIZED : CKR_OK));
    await client.gives(code, 'findObjectsFinal', { session: handle });
    session.operations.search = undefined;
  });

export const readLabel = (which: number, chosen: Chosen) =>
  onToken(`read the label of the ${chosen.half} half of key ${chosen.key}`, which, whereLoggedIn, async (scene) => {
    const { session, handle, client } = scene;
    const object = objectOf(scene, chosen);
    const found = reached(scene, object);
    const queries = [{ type: ck.CKA_LABEL, capacity: ROOM }];
    const request = { session: handle, object: found.handle, queries };
    const { values } = await client.answers(
      codeOf(session, () => found.code),
      'getAttributeValue',
      request,
    );
    if (values !== undefined && object !== undefined) {
      equal(values.results[0]?.bytes, labelIs(object.label).value, 'the label');
    }
  });

const codeOfChange = (session: ModelSession, code: number): number =>
  code === CKR_OK && !session.isReadWrite ? ck.CKR_SESSION_READ_ONLY : code;

export const setLabel = (which: number, chosen: Chosen, label: string) =>
  onToken(`label the ${chosen.half} half of key ${chosen.key} ${label}`, which, whereWritable, async (scene) => {
    const { session, handle, client } = scene;
    const object = objectOf(scene, chosen);
    const found = reached(scene, object);
    const code = codeOf(session, () => codeOfChange(session, found.code));
    const request = { session: handle, object: found.handle, template: [labelIs(label)] };
    await client.gives(code, 'setAttributeValue', request);
    if (code === CKR_OK && object !== undefined) object.label = label;
  });

export const generate = (which: number) =>
  onToken('generate a key pair', which, whereWritable, async ({ real, session, handle, client }) => {
    const { token, application, view } = session;
    const code = codeOf(session, () => {
      if (!session.isReadWrite) return ck.CKR_SESSION_READ_ONLY;
      return view.isLoggedIn ? CKR_OK : ck.CKR_USER_NOT_LOGGED_IN;
    });
    const name = token.nextName;
    const request = { session: handle, ...templatesOf({ ...p256Key, ...name }) };
    const { values } = await client.answers(code, 'generateKeyPair', request);
    if (values === undefined) return;
    const key = new ModelKey(p256Key, name, true);
    token.keys.push(key);
    for (const object of key.objects) view.known.add(object);
    real.keepObject(application, key.private, values.privateKey);
    real.keepObject(application, key.public, values.publicKey);
  });

/** Keys of the suite stay: what is destroyed was made by a step. */
export const destroy = (which: number, chosen: Chosen) =>
  onToken(`destroy the ${chosen.half} half of generated key ${chosen.key}`, which, whereWritable, async (scene) => {
    const { model, session, handle, client } = scene;
    const key = pick(
      session.token.keys.filter(({ isGenerated }) => isGenerated),
      chosen.key,
    );
    const found = reached(scene, key?.[chosen.half]);
    const code = codeOf(session, () => {
      const change = codeOfChange(session, found.code);
      if (change !== CKR_OK) return change;
      return model.rules.pairIsOne && chosen.half === 'public' ? ck.CKR_ACTION_PROHIBITED : CKR_OK;
    });
    await client.gives(code, 'destroyObject', { session: handle, object: found.handle });
    if (code !== CKR_OK || key === undefined) return;
    key[chosen.half].isThere = false;
    if (model.rules.pairIsOne) key.public.isThere = false;
  });
