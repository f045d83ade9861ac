/** C_FindObjectsInit: which objects match a template (section 5.7). */

import * as ck from '../pkcs11/constants.ts';
import { EMPTY, equalBytes, TRUE, toUlong } from '../tags/values.ts';
import type { Attribute } from './calls.ts';
import type { TokenAccess, TokenObject } from './token-access.ts';

interface Wanted {
  type: number;
  value: Uint8Array;
}

const CLASSES: Readonly<Record<number, readonly TokenObject['kind'][]>> = {
  [ck.CKO_PRIVATE_KEY]: ['private'],
  [ck.CKO_PUBLIC_KEY]: ['public'],
  [ck.CKO_CERTIFICATE]: ['certificate'],
};
const ALL: readonly TokenObject['kind'][] = ['private', 'public', 'certificate'];

function kindsOf(wanted: readonly Wanted[]): readonly TokenObject['kind'][] {
  const value = wanted.find(({ type }) => type === ck.CKA_CLASS)?.value;
  return value === undefined ? ALL : (CLASSES[toUlong(value) ?? -1] ?? []);
}

/** Objects of a session: there are none here. */
function areOnNoToken(template: readonly Attribute[]): boolean {
  return template.some(({ type, value }) => type === ck.CKA_TOKEN && !equalBytes(value ?? EMPTY, TRUE));
}

async function candidates(access: TokenAccess, kinds: readonly TokenObject['kind'][]): Promise<TokenObject[]> {
  const objects: TokenObject[] = [];
  const [privateKeys, publicKeys] = [kinds.includes('private'), kinds.includes('public')];
  for (const key of privateKeys || publicKeys ? await access.keys.presentable() : []) {
    if (privateKeys) objects.push(key.privateObject);
    if (publicKeys) objects.push(key.publicObject);
  }
  if (kinds.includes('certificate')) objects.push(...access.shelf.certificates);
  return objects;
}

function matches(access: TokenAccess, object: TokenObject, { type, value }: Wanted): boolean {
  const own = access.valueAtHand(object, type);
  return typeof own !== 'string' && equalBytes(own, value);
}

/** Those that match, asking the HSM only about objects that match in all that is at hand. */
async function filter(access: TokenAccess, objects: TokenObject[], wanted: readonly Wanted[]): Promise<number[]> {
  const possible = objects.filter((object) =>
    wanted.every((it) => !access.isAtHand(object, it.type) || matches(access, object, it)),
  );
  const unread = possible.filter((object) => wanted.some((it) => !access.isAtHand(object, it.type)));
  if (unread.length > 0) await access.keys.readAll(unread.flatMap((it) => (it.kind === 'certificate' ? [] : [it.key])));
  const handles: number[] = [];
  for (const object of possible) {
    if (await matchesWhole(access, object, wanted)) handles.push(object.handle);
  }
  return handles;
}

async function matchesWhole(access: TokenAccess, object: TokenObject, wanted: readonly Wanted[]): Promise<boolean> {
  for (const it of wanted) {
    if (access.isAtHand(object, it.type)) {
      if (!matches(access, object, it)) return false;
    } else if (object.kind === 'certificate') {
      const own = await access.value(object, it.type);
      if (typeof own === 'string' || !equalBytes(own, it.value)) return false;
    } else {
      return false;
    }
  }
  return true;
}

/** A search that should have met a key and did not is asked of a fresh list: the key may be new. */
function deservesFreshList(access: TokenAccess, kinds: readonly string[], wanted: readonly Wanted[]): boolean {
  if (!kinds.includes('private') && !kinds.includes('public')) return false;
  return access.keys.isEmpty || wanted.some(({ type }) => type === ck.CKA_LABEL || type === ck.CKA_ID);
}

/**
 * Handles of the objects that match every attribute of the template, in the order of the key list, certificates last.
 * An empty template matches all; a class that does not exist here, or an attribute an object lacks, matches nothing.
 */
export async function search(access: TokenAccess, template: readonly Attribute[]): Promise<number[]> {
  const wanted = template.map(({ type, value }) => ({ type, value: value ?? EMPTY }));
  const kinds = kindsOf(wanted);
  if (kinds.length === 0 || areOnNoToken(template)) return [];
  await access.keys.refresh();
  const found = await filter(access, await candidates(access, kinds), wanted);
  if (found.length > 0 || !deservesFreshList(access, kinds, wanted)) return found;
  await access.keys.refresh({ fresh: true, sparing: true });
  return filter(access, await candidates(access, kinds), wanted);
}

/** Whether a template asks for private keys in general, as servers do when they start, or for all that there is. */
export function listsPrivateKeys(template: readonly Attribute[]): boolean {
  if (areOnNoToken(template)) return false;
  const rest = template.filter(({ type }) => type !== ck.CKA_TOKEN && type !== ck.CKA_PRIVATE);
  const isPrivateKey = ({ type, value }: Attribute) =>
    type === ck.CKA_CLASS && toUlong(value ?? EMPTY) === ck.CKO_PRIVATE_KEY;
  return rest.length <= 1 && rest.every(isPrivateKey);
}
