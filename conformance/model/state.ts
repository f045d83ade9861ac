/** What a caller may know of a module: the model that predicts the answer to every call. */

import * as ck from '../../lib/pkcs11/constants.ts';
import { RO, type RW } from '../client.ts';
import { type TestHash, type TestKey, testKeys } from '../keys.ts';
import type { SignatureScheme } from '../signature-schemes.ts';

/** Where modules differ although the standard is one. Each line says what ours does; `softhsmRules` what SoftHSM does. */
export interface Rules {
  /** C_SignInit replaces a signature that was begun (docs: web servers never clean up). Else CKR_OPERATION_ACTIVE. */
  readonly signInitReplaces: boolean;
  /** A logout ends what was begun (5.6 C_Logout). SoftHSM goes on. */
  readonly logoutEndsOperations: boolean;
  /** C_Logout without a login (5.6 C_Logout). SoftHSM sees no harm in it. */
  readonly logoutWithoutLogin: number;
  /** Operations of several kinds go on side by side in a session: the token may choose. SoftHSM has one. */
  readonly kindsSideBySide: boolean;
  /** Nothing is seen before a login, public keys neither. SoftHSM shows those as long as a session is open. */
  readonly publicNeedsLogin: boolean;
  /** A private key used after a logout. SoftHSM has forgotten the handle. */
  readonly keyAfterLogout: number;
  /** C_Sign after C_SignUpdate: refused, and the operation ends. SoftHSM refuses and goes on. */
  readonly wholeAfterPartsEnds: boolean;
  /** C_SignFinal of a mechanism without parts: refused, and the operation ends. SoftHSM refuses and goes on. */
  readonly finalWithoutPartsEnds: boolean;
  /** C_SignFinal of a mechanism without parts tells first that the buffer is too small. SoftHSM, that it has no parts. */
  readonly tooSmallBeforeNoParts: boolean;
}

export const ourRules: Rules = {
  signInitReplaces: true,
  logoutEndsOperations: true,
  logoutWithoutLogin: ck.CKR_USER_NOT_LOGGED_IN,
  kindsSideBySide: true,
  publicNeedsLogin: true,
  keyAfterLogout: ck.CKR_USER_NOT_LOGGED_IN,
  wholeAfterPartsEnds: true,
  finalWithoutPartsEnds: true,
  tooSmallBeforeNoParts: true,
};

export const softhsmRules: Rules = {
  signInitReplaces: false,
  logoutEndsOperations: false,
  logoutWithoutLogin: ck.CKR_OK,
  kindsSideBySide: false,
  publicNeedsLogin: false,
  keyAfterLogout: ck.CKR_OBJECT_HANDLE_INVALID,
  wholeAfterPartsEnds: false,
  finalWithoutPartsEnds: false,
  tooSmallBeforeNoParts: false,
};

export interface Search {
  /** How many handles are still to come. */
  left: number;
}
export interface Signature {
  readonly scheme: SignatureScheme;
  parts: Uint8Array[];
}
export interface Digest {
  readonly hash: TestHash;
  parts: Uint8Array[];
}

/** The kinds of operation that a session may have under way, one of each. */
export interface Operations {
  search?: Search | undefined;
  signing?: Signature | undefined;
  verifying?: Signature | undefined;
  digesting?: Digest | undefined;
}
export type Kind = keyof Operations;

export class ModelSession {
  readonly flags: number;
  isOpen = true;
  operations: Operations = {};

  constructor(flags: number) {
    this.flags = flags;
  }
}

export class Model {
  readonly rules: Rules;
  /** In the order in which they were opened; closed ones stay, so that their handles are tried too. */
  readonly sessions: ModelSession[] = [];
  /** CKA_LABEL of each private key that is not what it was. */
  readonly labels = new Map<TestKey, string>();
  isLoggedIn = false;
  /** The handles found at the last login stand: sessions have been open ever since. */
  knowsHandles = false;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  /** CKS_ value (Usage Guide: session states). */
  stateOf({ flags }: ModelSession): number {
    if (flags === RO) return this.isLoggedIn ? ck.CKS_RO_USER_FUNCTIONS : ck.CKS_RO_PUBLIC_SESSION;
    return this.isLoggedIn ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RW_PUBLIC_SESSION;
  }

  open(flags: typeof RO | typeof RW): ModelSession {
    const session = new ModelSession(flags);
    this.sessions.push(session);
    return session;
  }

  close(session: ModelSession): void {
    session.isOpen = false;
    session.operations = {};
    if (this.sessions.some(({ isOpen }) => isOpen)) return;
    this.isLoggedIn = false;
    this.knowsHandles = false;
  }

  logout(): void {
    this.isLoggedIn = false;
    if (!this.rules.logoutEndsOperations) return;
    for (const session of this.sessions) session.operations = {};
  }

  /** CKR_OPERATION_ACTIVE where the operation that begins meets one that is in its way, else CKR_OK. */
  codeOfStart({ operations }: ModelSession, kind: Kind): number {
    const isInTheWay = (other: Kind): boolean =>
      operations[other] !== undefined &&
      (other === kind ? !(kind === 'signing' && this.rules.signInitReplaces) : !this.rules.kindsSideBySide);
    return (['search', 'signing', 'verifying', 'digesting'] as const).some(isInTheWay)
      ? ck.CKR_OPERATION_ACTIVE
      : ck.CKR_OK;
  }

  labelOf(key: TestKey): string {
    return this.labels.get(key) ?? key.label;
  }

  /** How many private keys have the label: one key may be given that of another. */
  keysLabelled(label: string): number {
    return testKeys.filter((key) => this.labelOf(key) === label).length;
  }
}
