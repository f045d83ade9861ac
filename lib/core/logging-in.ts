/** C_Login (section 5.6.7) and its replay. */

import * as ck from '../pkcs11/constants.ts';
import { EMPTY } from '../tags/values.ts';
import type { HsmIdentity } from './hsm.ts';
import {
  alreadyLoggedIn,
  anotherUserLoggedIn,
  noContextSpecificLogin,
  noSecurityOfficer,
  readOnlySessionExists,
  sessionClosed,
  userTypeInvalid,
} from './refusals.ts';
import type { ApplicationToken, Session } from './session.ts';
import type { Slot } from './slot.ts';

const LF = 0x0a;
const CR = 0x0d;

/** The PIN without one line end behind it: libp11 hands over a PIN file as it is. */
function withoutLineEnd(pin: Uint8Array): Uint8Array {
  if (pin.at(-1) !== LF) return pin;
  return pin.subarray(0, pin.at(-2) === CR ? -2 : -1);
}

/** No PIN is the slot's own identity, where it has one; else CKR_PIN_INCORRECT as for any PIN that names nobody. */
function identityOf(slot: Slot, pin: Uint8Array | null): HsmIdentity {
  const given = withoutLineEnd(pin ?? EMPTY);
  if (given.length === 0 && slot.hsm.ownIdentity !== undefined) return slot.hsm.ownIdentity;
  return slot.hsm.identityOfPin(given);
}

function refuseOtherUsers(token: ApplicationToken, userType: number): void {
  if (userType === ck.CKU_USER) return;
  if (userType === ck.CKU_CONTEXT_SPECIFIC) throw noContextSpecificLogin();
  if (userType !== ck.CKU_SO) throw userTypeInvalid(userType);
  if (token.user !== undefined) throw anotherUserLoggedIn();
  for (const session of token.sessions) if (!session.isReadWrite) throw readOnlySessionExists();
  throw noSecurityOfficer();
}

/**
 * Logs in to the token, for all sessions of the application, and starts to read the key list without waiting for it.
 * CKR_USER_ALREADY_LOGGED_IN, CKR_PIN_INCORRECT, CKR_DEVICE_ERROR; for the security officer
 * CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_SESSION_READ_ONLY_EXISTS or CKR_PIN_LOCKED; for CKU_CONTEXT_SPECIFIC
 * CKR_OPERATION_NOT_INITIALIZED; CKR_USER_TYPE_INVALID.
 */
export async function login(session: Session, userType: number, pin: Uint8Array | null): Promise<void> {
  const { token } = session;
  refuseOtherUsers(token, userType);
  if (token.user !== undefined) throw alreadyLoggedIn();
  const identity = identityOf(token.slot, pin);
  await identity.authenticate();
  // Others may have logged in, or closed the session, while the authority was asked.
  if (token.user !== undefined) throw alreadyLoggedIn();
  if (session.closed) throw sessionClosed(session.handle);
  token.user = token.slot.accessOf(identity);
  // A first list is read now anyway.
  token.listsAnew = token.user.keys.isListed;
  token.user.keys.refresh().catch(() => undefined);
}

/**
 * Takes a login as it was before a fork or a restart, asking nobody: what has changed since shows at the next call that
 * needs the HSM. The same login again changes nothing. CKR_PIN_INCORRECT, CKR_USER_TYPE_INVALID.
 */
export function resumeLogin(token: ApplicationToken, userType: number, pin: Uint8Array | null): void {
  refuseOtherUsers(token, userType);
  const access = token.slot.accessOf(identityOf(token.slot, pin));
  if (token.user === access) return;
  if (token.user !== undefined) token.logout();
  token.user = access;
}
