/** What was done in a run of a promise, so that a program can do it again. */

import type { CodecName } from './codec.ts';
import type { FunctionName, Functions, Reply } from './subject.ts';

/** A function of PKCS#11. */
export interface CallStep {
  readonly kind: 'call';
  readonly name: FunctionName;
  readonly request: Functions[FunctionName]['request'];
  readonly reply: Reply<FunctionName>;
  /** Which application made it: 0 for the first. */
  readonly application: number;
}

/** What the values of a reply may have that later calls name. */
export interface Handles {
  readonly session: number;
  readonly publicKey: number;
  readonly privateKey: number;
  readonly handles: readonly number[];
}

/** A command to the C program that has loaded the module, and the lines that it answered. */
export interface CommandStep {
  readonly kind: 'command';
  /** With `$slot`, `$pin`, `$session` and `$key` for what each run has of its own. */
  readonly command: string;
  readonly answer: readonly string[];
}

/** A function of tags or frames, and its result or error as text. */
export interface CodecStep {
  readonly kind: 'codec';
  readonly name: CodecName;
  readonly words: readonly unknown[];
  readonly answer: string;
}

/** A child of an application, which is an application of its own from then on. */
export interface ForkStep {
  readonly kind: 'fork';
  readonly from: number;
  readonly application: number;
}

export type Step = CallStep | ForkStep | CommandStep | CodecStep;
