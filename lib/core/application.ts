/**
 * One client process: its sessions and logins. A method a PKCS#11 function, named after it, with plain objects in and
 * out; a refusal is a Pkcs11Error. A method answers at once where nobody has to be asked, and throws at once too: put
 * the call itself where the error is caught, not only its promise.
 *
 * Sections are of the PKCS#11 2.40 base specification. What each function does and which codes it gives stands with the
 * function of the same name in the files below; return-codes.ts holds all of them to the lists of the sections.
 */

import type { AttributeAnswer } from './attribute-reading.ts';
import {
  type Answer,
  type Attribute,
  type AttributeQuery,
  type Mechanism,
  NOTHING,
  type Nothing,
  type Output,
} from './calls.ts';
import * as digesting from './digesting.ts';
import * as encrypting from './encrypting.ts';
import * as finding from './finding.ts';
import { generateKeyPair, type KeyPairRequest } from './key-generation.ts';
import type { Library } from './library.ts';
import * as loggingIn from './logging-in.ts';
import { type MechanismInfo, mechanismInfo, mechanismTypes } from './mechanisms.ts';
import * as objects from './object-management.ts';
import * as random from './random.ts';
import { notLoggedIn, sessionReadOnly } from './refusals.ts';
import { ANY_NUMBER, ApplicationToken, type Session, type SessionAllowance, SessionTable } from './session.ts';
import * as signing from './signing.ts';
import type { SlotInfo, TokenInfo } from './slot.ts';

interface InSession {
  session: number;
}
interface InSlot {
  slot: number;
}
interface OnObject extends InSession {
  object: number;
}

/** Which sessions are within an operation: for those who look after the library, no function of PKCS#11. */
export interface BegunOperations {
  /** Tells of the handle of a session whether something was begun in it that another call goes on with. */
  has(session: number): boolean;
}

/** The PKCS#11 functions of one client: a method each, plain objects in and out. Refusals are Pkcs11Error. */
export class Application {
  readonly #library: Library;
  readonly #tokens = new Map<number, ApplicationToken>();
  readonly #sessions: SessionTable;
  readonly #operations: BegunOperations = { has: (session) => this.#sessions.hasOperation(session) };

  constructor(library: Library, sessions: SessionAllowance = ANY_NUMBER) {
    this.#library = library;
    this.#sessions = new SessionTable(sessions);
  }

  #token(slotId: number): ApplicationToken {
    const existing = this.#tokens.get(slotId);
    if (existing !== undefined) return existing;
    const token = new ApplicationToken(this.#library.slot(slotId));
    this.#tokens.set(slotId, token);
    return token;
  }

  #session(handle: number): Session {
    return this.#sessions.get(handle);
  }

  /** Open sessions by slot: for those who look after the library, no function of PKCS#11. */
  get sessionCounts(): ReadonlyMap<number, number> {
    return new Map([...this.#tokens].map(([slotId, { sessions }]) => [slotId, sessions.size]));
  }

  /** As `sessionCounts`. */
  get operations(): BegunOperations {
    return this.#operations;
  }

  // Slots and tokens (section 5.5)

  /** C_GetSlotList (5.5.1). All slots, in the order of the configuration; each has its token present. */
  getSlotList(_request: { tokenPresent: boolean }): { slots: number[] } {
    return { slots: this.#library.slotIds };
  }

  /** C_GetSlotInfo (5.5.2). CKR_SLOT_ID_INVALID. */
  getSlotInfo({ slot }: InSlot): SlotInfo {
    return this.#library.slot(slot).info();
  }

  /** C_GetTokenInfo (5.5.3). Counts are of this application's sessions. CKR_SLOT_ID_INVALID. */
  getTokenInfo({ slot }: InSlot): TokenInfo {
    const { sessions } = this.#token(slot);
    const rwSessionCount = [...sessions].filter((session) => session.isReadWrite).length;
    return this.#library.slot(slot).tokenInfo({ sessionCount: sessions.size, rwSessionCount });
  }

  /** C_GetMechanismList (5.5.5). CKR_SLOT_ID_INVALID. */
  getMechanismList({ slot }: InSlot): { mechanisms: number[] } {
    this.#library.slot(slot);
    return { mechanisms: [...mechanismTypes] };
  }

  /** C_GetMechanismInfo (5.5.6). CKR_SLOT_ID_INVALID, CKR_MECHANISM_INVALID. */
  getMechanismInfo({ slot, mechanism }: InSlot & { mechanism: number }): MechanismInfo {
    this.#library.slot(slot);
    return mechanismInfo(mechanism);
  }

  // Sessions (section 5.6)

  /**
   * C_OpenSession (5.6.1). Opens a session under a handle of the caller's choice, or resumes it: the same request again
   * changes nothing. Never asks anybody. CKR_SLOT_ID_INVALID, CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_ARGUMENTS_BAD for
   * a handle that is zero or open with another slot or flags, CKR_SESSION_COUNT.
   */
  openSession({ session, slot, flags }: InSession & InSlot & { flags: number }): Nothing {
    this.#sessions.open(session, this.#token(slot), flags);
    return NOTHING;
  }

  /** C_CloseSession (5.6.2). Ends the login with the last session of a token. CKR_SESSION_HANDLE_INVALID. */
  closeSession({ session }: InSession): Nothing {
    this.#sessions.close(this.#session(session));
    return NOTHING;
  }

  /** C_CloseAllSessions (5.6.3). CKR_SLOT_ID_INVALID. */
  closeAllSessions({ slot }: InSlot): Nothing {
    const token = this.#token(slot);
    for (const session of [...token.sessions]) this.#sessions.close(session);
    token.logout();
    return NOTHING;
  }

  /** C_GetSessionInfo (5.6.4). CKR_SESSION_HANDLE_INVALID. */
  getSessionInfo({ session }: InSession): { slot: number; state: number; flags: number; deviceError: number } {
    const { token, state, flags } = this.#session(session);
    return { slot: token.slot.slotId, state, flags, deviceError: 0 };
  }

  /** C_Login (5.6.7). */
  async login({ session, userType, pin }: InSession & { userType: number; pin: Uint8Array | null }): Promise<Nothing> {
    await loggingIn.login(this.#session(session), userType, pin);
    return NOTHING;
  }

  /** The login of another connection of the same process again, without trying it. */
  resumeLogin({ slot, userType, pin }: InSlot & { userType: number; pin: Uint8Array | null }): Nothing {
    loggingIn.resumeLogin(this.#token(slot), userType, pin);
    return NOTHING;
  }

  /** C_Logout (5.6.8). Ends every operation too. CKR_SESSION_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN. */
  logout({ session }: InSession): Nothing {
    const { token } = this.#session(session);
    if (token.user === undefined) throw notLoggedIn();
    token.logout();
    return NOTHING;
  }

  // Objects (section 5.7)

  /** C_FindObjectsInit (5.7.7). */
  async findObjectsInit({ session, template }: InSession & { template: readonly Attribute[] }): Promise<Nothing> {
    return finding.findObjectsInit(this.#session(session), template, this.#library.warn);
  }

  /** C_FindObjects (5.7.8). */
  findObjects({ session, max }: InSession & { max: number }): { handles: number[] } {
    return finding.findObjects(this.#session(session), max);
  }

  /** C_FindObjectsFinal (5.7.9). */
  findObjectsFinal({ session }: InSession): Nothing {
    return finding.findObjectsFinal(this.#session(session));
  }

  /** C_GetAttributeValue (5.7.5). */
  async getAttributeValue(request: OnObject & { queries: readonly AttributeQuery[] }): Promise<AttributeAnswer> {
    return objects.getAttributeValue(this.#session(request.session), request.object, request.queries);
  }

  /** C_SetAttributeValue (5.7.6). */
  async setAttributeValue(request: OnObject & { template: readonly Attribute[] }): Promise<Nothing> {
    return objects.setAttributeValue(this.#session(request.session), request.object, request.template);
  }

  /** C_GetObjectSize (5.7.4). */
  async getObjectSize({ session, object }: OnObject): Promise<{ size: number }> {
    return objects.getObjectSize(this.#session(session), object);
  }

  /** C_CreateObject (5.7.1). */
  createObject({ session }: InSession & { template: readonly Attribute[] }): { object: number } {
    return objects.createObject(this.#session(session));
  }

  /** C_CopyObject (5.7.2). */
  async copyObject({ session, object }: OnObject & { template: readonly Attribute[] }): Promise<{ copy: number }> {
    return objects.copyObject(this.#session(session), object);
  }

  /** C_DestroyObject (5.7.3). */
  async destroyObject({ session, object }: OnObject): Promise<Nothing> {
    return objects.destroyObject(this.#session(session), object);
  }

  // Keys and random numbers (sections 5.14 and 5.15)

  /** C_GenerateKeyPair (5.14.2). CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN, and those of key-generation.ts. */
  async generateKeyPair(request: InSession & KeyPairRequest): Promise<{ publicKey: number; privateKey: number }> {
    const session = this.#session(request.session);
    if (!session.isReadWrite) throw sessionReadOnly();
    const key = await generateKeyPair(session.token.requireAccess(), request, this.#library.random);
    return { publicKey: key.publicObject.handle, privateKey: key.privateObject.handle };
  }

  /** C_GenerateRandom (5.15.2). */
  async generateRandom({ session, length }: InSession & { length: number }): Promise<{ bytes: Uint8Array }> {
    return { bytes: await random.generateRandom(this.#session(session), length, this.#library.random) };
  }

  /** C_SeedRandom (5.15.1). */
  seedRandom({ session }: InSession & { seed: Uint8Array }): Nothing {
    return random.seedRandom(this.#session(session));
  }

  // Signatures and verification (sections 5.11 and 5.12)

  /** C_SignInit (5.11.1). */
  signInit({ session, mechanism, key }: InSession & { mechanism: Mechanism; key: number }): Answer<Nothing> {
    return signing.signInit(this.#session(session), mechanism, key);
  }

  /** C_Sign (5.11.2). */
  sign(request: InSession & { data: Uint8Array; signature: number | null }): Answer<{ signature: Output }> {
    return signing.sign(this.#session(request.session), request.data, request.signature);
  }

  /** C_SignUpdate (5.11.3). */
  signUpdate({ session, part }: InSession & { part: Uint8Array }): Nothing {
    return signing.signUpdate(this.#session(session), part);
  }

  /** C_SignFinal (5.11.4). */
  signFinal({ session, signature }: InSession & { signature: number | null }): Answer<{ signature: Output }> {
    return signing.signFinal(this.#session(session), signature);
  }

  /** C_VerifyInit (5.12.1). */
  verifyInit({ session, mechanism, key }: InSession & { mechanism: Mechanism; key: number }): Answer<Nothing> {
    return signing.verifyInit(this.#session(session), mechanism, key);
  }

  /** C_Verify (5.12.2). */
  verify({ session, data, signature }: InSession & { data: Uint8Array; signature: Uint8Array }): Nothing {
    return signing.verify(this.#session(session), data, signature);
  }

  /**
   * What C_Verify would refuse ahead of its data, which comes in parts. CKR_OPERATION_NOT_INITIALIZED,
   * CKR_SIGNATURE_LEN_RANGE; both end the operation.
   */
  verifyWhole({ session, signatureLength }: InSession & { signatureLength: number }): Nothing {
    return signing.verifyWhole(this.#session(session), signatureLength);
  }

  /** C_VerifyUpdate (5.12.3). */
  verifyUpdate({ session, part }: InSession & { part: Uint8Array }): Nothing {
    return signing.verifyUpdate(this.#session(session), part);
  }

  /** C_VerifyFinal (5.12.4). */
  verifyFinal({ session, signature }: InSession & { signature: Uint8Array }): Nothing {
    return signing.verifyFinal(this.#session(session), signature);
  }

  // Encryption and decryption (sections 5.8 and 5.9)

  /** C_EncryptInit (5.8.1). */
  encryptInit({ session, mechanism, key }: InSession & { mechanism: Mechanism; key: number }): Answer<Nothing> {
    return encrypting.encryptInit(this.#session(session), mechanism, key);
  }

  /** C_Encrypt (5.8.2). */
  encrypt(request: InSession & { data: Uint8Array; encrypted: number | null }): { encrypted: Output } {
    return encrypting.encrypt(this.#session(request.session), request.data, request.encrypted);
  }

  /** C_DecryptInit (5.9.1). */
  decryptInit({ session, mechanism, key }: InSession & { mechanism: Mechanism; key: number }): Answer<Nothing> {
    return encrypting.decryptInit(this.#session(session), mechanism, key);
  }

  /** C_Decrypt (5.9.2). */
  decrypt(request: InSession & { encrypted: Uint8Array; data: number | null }): Answer<{ data: Output }> {
    return encrypting.decrypt(this.#session(request.session), request.encrypted, request.data);
  }

  /**
   * Ends the operations of the flags (CKF_SIGN, CKF_VERIFY, CKF_ENCRYPT, CKF_DECRYPT, CKF_DIGEST), if they are active:
   * a call of theirs was refused before it came here. CKR_SESSION_HANDLE_INVALID.
   */
  cancelOperations({ session, flags }: InSession & { flags: number }): Nothing {
    this.#session(session).endOperations(flags);
    return NOTHING;
  }

  // Digests (section 5.10)

  /** C_DigestInit (5.10.1). */
  digestInit({ session, mechanism }: InSession & { mechanism: Mechanism }): Nothing {
    return digesting.digestInit(this.#session(session), mechanism);
  }

  /** C_Digest (5.10.2). */
  digest({ session, data, digest }: InSession & { data: Uint8Array; digest: number | null }): { digest: Output } {
    return digesting.digest(this.#session(session), data, digest);
  }

  /** C_DigestUpdate (5.10.3). */
  digestUpdate({ session, part }: InSession & { part: Uint8Array }): Nothing {
    return digesting.digestUpdate(this.#session(session), part);
  }

  /** C_DigestFinal (5.10.5). */
  digestFinal({ session, digest }: InSession & { digest: number | null }): { digest: Output } {
    return digesting.digestFinal(this.#session(session), digest);
  }
}
