/** C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal (sections 5.7.7 to 5.7.9). */

import { type Attribute, NOTHING, type Nothing } from './calls.ts';
import type { Warn } from './key-catalogue.ts';
import { operationActive, operationNotInitialized, sessionClosed } from './refusals.ts';
import { listsPrivateKeys, search } from './search.ts';
import type { Session } from './session.ts';

/**
 * C_FindObjectsInit (5.7.7): the whole search is made here; C_FindObjects only hands out. Before the login that a token
 * needs, every search is empty. CKR_OPERATION_ACTIVE, and the codes of the HSM.
 */
export async function findObjectsInit(session: Session, template: readonly Attribute[], warn: Warn): Promise<Nothing> {
  if (session.search.active !== undefined) throw operationActive('a search');
  const claim = session.search.claim();
  const { token } = session;
  const access = token.access;
  // A program that starts lists everything and chooses itself; one that searches by name forces a fresh list by a miss.
  if (access !== undefined && token.listsAnew && listsPrivateKeys(template)) {
    token.listsAnew = false;
    await access.keys.refresh({ fresh: true }).catch((error: unknown) => {
      token.listsAnew = true;
      throw error;
    });
  }
  const found = access === undefined ? [] : await search(access, template);
  if (session.closed) throw sessionClosed(session.handle);
  // A logout meanwhile: what was found may no longer be seen.
  session.search.start(claim, token.access === access ? found.reverse() : []);
  if (access?.keys.isEmpty && !token.emptyReported && listsPrivateKeys(template)) {
    token.emptyReported = true;
    warn(`there is no key to use in ${token.slot.hsm.url}; hint: create one with mhsm_p11_create_key --label ...`);
  }
  return NOTHING;
}

/** C_FindObjects (5.7.8): at most `max` handles; none when all were given. CKR_OPERATION_NOT_INITIALIZED. */
export function findObjects(session: Session, max: number): { handles: number[] } {
  const rest = session.search.active;
  if (rest === undefined) throw operationNotInitialized('search');
  const handles: number[] = [];
  while (handles.length < max) {
    const next = rest.pop();
    if (next === undefined) break;
    handles.push(next);
  }
  return { handles };
}

/** C_FindObjectsFinal (5.7.9). CKR_OPERATION_NOT_INITIALIZED. */
export function findObjectsFinal(session: Session): Nothing {
  if (session.search.active === undefined) throw operationNotInitialized('search');
  session.search.end();
  return NOTHING;
}
