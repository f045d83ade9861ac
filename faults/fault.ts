import type { Scene } from './scene.ts';

/** Everything as often and as long as the report promises, or just enough to see it in the tests. */
export type Form = 'whole' | 'short';

/** What may happen to clients, and what must not. */
export interface Bound {
  /**
   * Handshakes that may fail: none; so many each time it strikes (those whose signature was on its way); those whose
   * connection it cut; or those that begin while it lasts.
   */
  readonly failed: 'none' | 'those it cut' | 'while it lasts' | { readonly eachTime: number };
  /** Longest that one handshake may take: moments, or as long as a worker may wait for a signature. */
  readonly wait: 'moments' | 'deadline';
  /** Whether sessions that were there before go on. A server that replaces its workers ends them itself. */
  readonly established: 'go on' | 'end with their worker';
  /** From its end to the last handshake that fails, where that takes longer than others do; milliseconds. */
  readonly recoveryMs?: number;
}

/** Takes the trouble away again. */
export type End = () => Promise<void>;

export interface Struck {
  readonly end?: End;
  /** Connections that were cut by what was done, and not by what followed from it. */
  readonly cut?: number;
}

export interface Fault {
  readonly name: string;
  /** What is done, for the reader of the table. */
  readonly what: string;
  /** How often it strikes in the whole form; once where nothing is said. In the short form twice at most. */
  readonly times?: number;
  /** How long it lasts; until `strike` resolves where nothing is said. In the short form as long as it takes to show. */
  readonly lastsMs?: { readonly whole: number; readonly short: number };
  /** Why it cannot be done on this machine; undefined where it can. */
  readonly missing?: () => string | undefined;
  /** Does the harm; resolves when it is done. */
  readonly strike: (scene: Scene, form: Form) => Promise<Struck>;
  readonly bound: Bound;
  /** A sentence that an operator must find in the server's log or in the agent's; undefined where nothing went wrong. */
  readonly log: RegExp | undefined;
  /** A sentence that must be there once it is over. */
  readonly logAfterwards?: RegExp;
}
