/** What a caller may know of a module: the model that predicts the answer to every call. */

import * as ck from '../../lib/pkcs11/constants.ts';
import { RO } from '../client.ts';
import type { TestHash } from '../keys.ts';
import type { SignatureScheme } from '../signature-schemes.ts';
import type { Cipher } from './ciphers.ts';
import { type ModelKey, type ModelObject, ModelToken } from './objects.ts';
import type { Rules } from './rules.ts';

export interface Search {
  /** What is still to come. */
  left: ModelObject[];
  /** Begun before a logout: the handles that it gives may be those from before. */
  outlivedLogin?: boolean;
}
export interface Signature {
  readonly scheme: SignatureScheme;
  readonly key: ModelKey;
  parts: Uint8Array[];
}
export interface Digest {
  readonly hash: TestHash;
  parts: Uint8Array[];
}
export interface Encryption {
  readonly cipher: Cipher;
  readonly key: ModelKey;
}

/** The kinds of operation that a session may have under way, one of each. */
export interface Operations {
  search?: Search | undefined;
  signing?: Signature | undefined;
  verifying?: Signature | undefined;
  digesting?: Digest | undefined;
  encrypting?: Encryption | undefined;
  decrypting?: Encryption | undefined;
}
export type Kind = keyof Operations;
const KINDS: readonly Kind[] = ['search', 'signing', 'verifying', 'digesting', 'encrypting', 'decrypting'];

/** What was begun, so that one of the two may go on without the other. */
function copyOf({ search, signing, verifying, digesting, ...rest }: Operations): Operations {
  return {
    ...rest,
    search: search && { ...search, left: [...search.left] },
    signing: signing && { ...signing, parts: [...signing.parts] },
    verifying: verifying && { ...verifying, parts: [...verifying.parts] },
    digesting: digesting && { ...digesting, parts: [...digesting.parts] },
  };
}

/** One token in the eyes of one application. */
export interface View {
  isLoggedIn: boolean;
  /** Objects whose handles the application has found or made since it has a session open. */
  readonly known: Set<ModelObject>;
}

/** A process that has loaded the module. */
export class ModelApplication {
  readonly number: number;
  isInitialized: boolean;
  /** Initialized by its parent, before the fork. */
  isInherited = false;
  readonly #views: Map<ModelToken, View>;

  /** Of a forked child: with the logins of its parent. */
  constructor(number: number, isInitialized: boolean, parent?: ModelApplication) {
    this.number = number;
    this.isInitialized = isInitialized;
    const views = parent === undefined ? [] : [...parent.#views];
    this.#views = new Map(
      views.map(([token, { isLoggedIn, known }]) => [token, { isLoggedIn, known: new Set(known) }]),
    );
  }

  view(token: ModelToken): View {
    const view = this.#views.get(token) ?? { isLoggedIn: false, known: new Set() };
    this.#views.set(token, view);
    return view;
  }
}

export class ModelSession {
  readonly application: ModelApplication;
  readonly token: ModelToken;
  readonly flags: number;
  isOpen = true;
  operations: Operations = {};

  constructor(application: ModelApplication, token: ModelToken, flags: number) {
    this.application = application;
    this.token = token;
    this.flags = flags;
  }

  get view(): View {
    return this.application.view(this.token);
  }

  get isReadWrite(): boolean {
    return (this.flags & ck.CKF_RW_SESSION) !== 0;
  }

  /** CKS_ value (Usage Guide: session states). */
  get state(): number {
    const { isLoggedIn } = this.view;
    if (this.flags === RO) return isLoggedIn ? ck.CKS_RO_USER_FUNCTIONS : ck.CKS_RO_PUBLIC_SESSION;
    return isLoggedIn ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RW_PUBLIC_SESSION;
  }
}

export class Model {
  readonly rules: Rules;
  readonly tokens: readonly ModelToken[];
  readonly applications = [new ModelApplication(0, true)];
  /** In the order in which they were opened; closed ones stay, so that their handles are tried too. */
  readonly sessions: ModelSession[] = [];

  constructor(rules: Rules, tokens: number) {
    this.rules = rules;
    this.tokens = Array.from({ length: tokens }, (_, index) => new ModelToken(index));
  }

  /** One more application, which has called nothing yet. */
  start(): void {
    this.applications.push(new ModelApplication(this.applications.length, false));
  }

  /** A child of an application. Gives its sessions, by those of its parent. */
  fork(parent: ModelApplication): ReadonlyMap<ModelSession, ModelSession> {
    const child = new ModelApplication(this.applications.length, parent.isInitialized, parent);
    child.isInherited = parent.isInitialized;
    this.applications.push(child);
    const inherited = new Map<ModelSession, ModelSession>();
    for (const session of this.sessions.filter((it) => it.isOpen && it.application === parent)) {
      const own = this.open(child, session.token, session.flags);
      if (!this.rules.childStartsAnew) own.operations = copyOf(session.operations);
      inherited.set(session, own);
    }
    return inherited;
  }

  /** Gives the code of C_Initialize. */
  initialize(application: ModelApplication): number {
    const startsAnew = application.isInherited && this.rules.childStartsAnew;
    if (application.isInitialized && !startsAnew) return ck.CKR_CRYPTOKI_ALREADY_INITIALIZED;
    this.finalize(application);
    application.isInitialized = true;
    return ck.CKR_OK;
  }

  open(application: ModelApplication, token: ModelToken, flags: number): ModelSession {
    const session = new ModelSession(application, token, flags);
    this.sessions.push(session);
    return session;
  }

  /** The sessions that an application has open with a token. */
  openSessions(application: ModelApplication, token: ModelToken): ModelSession[] {
    return this.sessions.filter((it) => it.isOpen && it.application === application && it.token === token);
  }

  close(session: ModelSession): void {
    session.isOpen = false;
    session.operations = {};
    if (this.openSessions(session.application, session.token).length > 0) return;
    session.view.isLoggedIn = false;
    session.view.known.clear();
  }

  closeAll(application: ModelApplication, token: ModelToken): void {
    for (const session of this.openSessions(application, token)) this.close(session);
  }

  finalize(application: ModelApplication): void {
    for (const token of this.tokens) this.closeAll(application, token);
    application.isInitialized = false;
    application.isInherited = false;
  }

  logout({ application, token, view }: ModelSession): void {
    view.isLoggedIn = false;
    for (const session of this.openSessions(application, token)) {
      if (this.rules.logoutEndsOperations) session.operations = {};
      else if (session.operations.search !== undefined) session.operations.search.outlivedLogin = true;
    }
  }

  /** Whether a session may see an object that is there. */
  sees({ view }: ModelSession, object: ModelObject): boolean {
    if (!object.isThere) return false;
    return view.isLoggedIn || (object.half === 'public' && !this.rules.publicNeedsLogin);
  }

  /** Whether an object can be reached by the handle that the session's application has of it. */
  reaches(session: ModelSession, object: ModelObject): boolean {
    return session.view.known.has(object) && this.sees(session, object);
  }

  /** CKR_OPERATION_ACTIVE where the operation that begins meets one that is in its way, else CKR_OK. */
  codeOfStart({ operations }: ModelSession, kind: Kind): number {
    const replaces = this.rules.privateUseReplaces && (kind === 'signing' || kind === 'decrypting');
    const isInTheWay = (other: Kind): boolean =>
      operations[other] !== undefined && (other === kind ? !replaces : !this.rules.kindsSideBySide);
    return KINDS.some(isInTheWay) ? ck.CKR_OPERATION_ACTIVE : ck.CKR_OK;
  }

  /** The code of a start with a key. */
  codeOfKeyedStart(session: ModelSession, kind: Kind, object: ModelObject): number {
    const start = this.codeOfStart(session, kind);
    if (start !== ck.CKR_OK || this.reaches(session, object)) return start;
    const { isLoggedIn } = session.view;
    if (isLoggedIn || (object.half === 'public' && !this.rules.publicNeedsLogin)) return this.rules.keyGone;
    return object.half === 'public' ? ck.CKR_USER_NOT_LOGGED_IN : this.rules.keyAfterLogout;
  }
}
