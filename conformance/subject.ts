/** What promises are held against: something that answers PKCS#11 calls. */

import type { CallName, RequestOf, ResponseOf } from '../lib/wire/schema.ts';
import type { Driver } from '../native/test/driver.ts';

type SessionCall = Exclude<CallName, 'hello' | 'resumeLogin' | 'verifyWhole' | 'cancelOperations' | 'openSession'>;

/**
 * The functions of PKCS#11 with what goes in and what comes out, in the shape of the wire: null for a NULL pointer, a
 * capacity in bytes for an output buffer, an output as its length and bytes.
 */
export type Functions = { [C in SessionCall]: { request: RequestOf<C>; values: ResponseOf<C> } } & {
  initialize: { request: Nothing; values: Nothing };
  finalize: { request: Nothing; values: Nothing };
  openSession: { request: { slot: number; flags: number }; values: { session: number } };
};
type Nothing = Record<never, never>;

export type FunctionName = keyof Functions;

export interface Reply<F extends FunctionName> {
  /** CK_RV. */
  rv: number;
  /** Undefined where the code leaves nothing to read. Lengths are undefined where the subject cannot see them. */
  values: Functions[F]['values'] | undefined;
}

/** One process that calls the functions: its sessions and logins are its own. */
export interface Program {
  call<F extends FunctionName>(name: F, request: Functions[F]['request']): Promise<Reply<F>>;
  /** A child of the process, which goes on beside it. Undefined where the subject's trait says that it does not fork. */
  fork?(): Promise<Program>;
  /** Ends the process, after C_Finalize. Its children must have ended. */
  end?(): Promise<void>;
}

/** What decides which promises are about a subject. */
export interface Traits {
  /** What is held against the promises, in a line. */
  readonly title: string;
  /** Whether it is this library, or another one that keeps the standard's promises alone. */
  readonly isOurs: boolean;
  /** Whether it is a loaded module, and not functions called in process. */
  readonly isModule: boolean;
  /** Whether a reply carries lengths where no bytes come: the answer to NULL, and to a buffer that is too small. */
  readonly seesLengths: boolean;
  /** Whether its programs can fork. */
  readonly forks?: boolean;
  /** Ids of the promises that are held against it; undefined: all that say anything about it. */
  readonly promises?: readonly string[];
}

/** A token and who may log in to it. */
export interface Token {
  readonly slot: number;
  readonly pin: Uint8Array;
  /** A PIN that is refused. */
  readonly wrongPin: Uint8Array;
}

/** The tokens of a subject, and the first of them as the one that most promises are about. */
export function firstOf(tokens: readonly Token[]): Token & { tokens: readonly Token[] } {
  const [first] = tokens;
  if (first === undefined) throw new Error('the subject has no token');
  return { ...first, tokens };
}

/** Slot and PINs are those of the first token. */
export interface Subject extends Traits, Token {
  readonly name: string;
  /** Two, each with keys of its own under the same names. */
  readonly tokens: readonly Token[];
  /** A program that has called nothing yet. One at a time: the one before must have finalized. */
  start(): Program;
  /** A program beside those that run; undefined where the module is in this process, and so is there once. */
  startBeside?: () => Program;
  /** A C program that has loaded the module (native/test/driver); undefined where there is none to load. */
  drive?: () => Promise<Driver>;
  close(): Promise<void>;
}

export interface SubjectKind extends Traits {
  open(): Promise<Subject>;
}
