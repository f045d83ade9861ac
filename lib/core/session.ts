/** Sessions of one application, and its login to each token (sections 3.3 and 5.6). */

import * as ck from '../pkcs11/constants.ts';
import type { DigestOperation } from './digest-operation.ts';
import type { EncryptionOperation } from './encryption-operation.ts';
import { OperationPlace } from './operation-place.ts';
import {
  notLoggedIn,
  parallelNotSupported,
  sessionHandleInvalid,
  sessionHandleTaken,
  tooManySessions,
} from './refusals.ts';
import type { SignatureOperation } from './signature-operation.ts';
import type { Slot } from './slot.ts';
import type { TokenAccess } from './token-access.ts';

/** One token in the eyes of one application: its login holds for all of the application's sessions. */
export class ApplicationToken {
  readonly slot: Slot;
  readonly sessions = new Set<Session>();
  /** What the user who is logged in sees; undefined while nobody is. */
  user: TokenAccess | undefined;
  /** Nothing was listed since the login: the first listing shows the HSM as it is now, not as it was cached. */
  listsAnew = false;
  /** The hint that there is no key has been given. */
  emptyReported = false;

  constructor(slot: Slot) {
    this.slot = slot;
  }

  /** What can be seen now: the user's, else the slot's own; undefined before the login that the token needs. */
  get access(): TokenAccess | undefined {
    return this.user ?? this.slot.ownAccess;
  }

  /** As `access`; CKR_USER_NOT_LOGGED_IN where there is none. */
  requireAccess(): TokenAccess {
    const access = this.access;
    if (access === undefined) throw notLoggedIn();
    return access;
  }

  /** Ends the login, and with it every operation that stands on it. */
  logout(): void {
    this.user = undefined;
    for (const session of this.sessions) session.endOperations();
  }
}

export class Session {
  readonly handle: number;
  readonly token: ApplicationToken;
  readonly flags: number;
  closed = false;
  /** Handles still to be given out by C_FindObjects. */
  readonly search = new OperationPlace<number[]>();
  readonly signing = new OperationPlace<SignatureOperation>();
  readonly verifying = new OperationPlace<SignatureOperation>();
  readonly encrypting = new OperationPlace<EncryptionOperation>();
  readonly decrypting = new OperationPlace<EncryptionOperation>();
  readonly digesting = new OperationPlace<DigestOperation>();
  readonly #operations: readonly (readonly [number, { readonly active: unknown; end(): void }])[] = [
    [ck.CKF_SIGN, this.signing],
    [ck.CKF_VERIFY, this.verifying],
    [ck.CKF_ENCRYPT, this.encrypting],
    [ck.CKF_DECRYPT, this.decrypting],
    [ck.CKF_DIGEST, this.digesting],
  ];

  constructor(handle: number, token: ApplicationToken, flags: number) {
    this.handle = handle;
    this.token = token;
    this.flags = flags;
  }

  get isReadWrite(): boolean {
    return (this.flags & ck.CKF_RW_SESSION) !== 0;
  }

  /** CKS_ value (section 3.3). */
  get state(): number {
    if (this.token.user === undefined) return this.isReadWrite ? ck.CKS_RW_PUBLIC_SESSION : ck.CKS_RO_PUBLIC_SESSION;
    return this.isReadWrite ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RO_USER_FUNCTIONS;
  }

  /** Something was begun that another call goes on with. */
  get hasOperation(): boolean {
    return this.search.active !== undefined || this.#operations.some(([, place]) => place.active !== undefined);
  }

  /** Ends the operations whose CKF_ flag is given; by default all, and the search too. */
  endOperations(flags?: number): void {
    if (flags === undefined) this.search.end();
    for (const [flag, place] of this.#operations) if (flags === undefined || (flags & flag) !== 0) place.end();
  }
}

const KNOWN_FLAGS = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION;

/** How many sessions an application may have; what it may have is known outside. */
export interface SessionAllowance {
  /** False: no more. */
  take(): boolean;
  /** For each that was taken, when it is closed. */
  give(): void;
}

export const ANY_NUMBER: SessionAllowance = { take: () => true, give: () => undefined };

/** The sessions an application has open, by the handle that the application chose. */
export class SessionTable {
  readonly #sessions = new Map<number, Session>();
  readonly #allowance: SessionAllowance;

  constructor(allowance: SessionAllowance) {
    this.#allowance = allowance;
  }

  /** The session; CKR_SESSION_HANDLE_INVALID when it is not open. */
  get(handle: number): Session {
    const session = this.#sessions.get(handle);
    if (session === undefined) throw sessionHandleInvalid(handle);
    return session;
  }

  /** False too where the session is not open. */
  hasOperation(handle: number): boolean {
    return this.#sessions.get(handle)?.hasOperation === true;
  }

  /** Opens a session, or finds it open: the same request means the same session, however often it comes. */
  open(handle: number, token: ApplicationToken, flags: number): void {
    if ((flags & ck.CKF_SERIAL_SESSION) === 0) throw parallelNotSupported();
    const known = flags & KNOWN_FLAGS;
    const existing = this.#sessions.get(handle);
    if (existing !== undefined && existing.token === token && existing.flags === known) return;
    if (existing !== undefined || handle === ck.CK_INVALID_HANDLE) throw sessionHandleTaken(handle);
    if (!this.#allowance.take()) throw tooManySessions();
    const session = new Session(handle, token, known);
    this.#sessions.set(handle, session);
    token.sessions.add(session);
  }

  /** Closes a session; with the last one of a token the login ends (section 5.6, C_CloseSession). */
  close(session: Session): void {
    session.closed = true;
    session.endOperations();
    this.#sessions.delete(session.handle);
    this.#allowance.give();
    session.token.sessions.delete(session);
    if (session.token.sessions.size === 0) session.token.logout();
  }
}
