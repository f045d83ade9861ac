/** What the doctor says: one finding a line. */

import { Pkcs11Error } from '../../pkcs11/error.ts';
import { lineOf } from '../program.ts';

export type Outcome = 'good' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  /** What was looked at: `TLS`, `sign web`. */
  readonly check: string;
  readonly outcome: Outcome;
  readonly text: string;
  /** What to do; for everything that is not good. */
  readonly todo?: string | undefined;
}

export const good = (check: string, text: string): Finding => ({ check, outcome: 'good', text });
export const warning = (check: string, text: string, todo: string): Finding => ({
  check,
  outcome: 'warning',
  text,
  todo,
});
export const failed = (check: string, text: string, todo: string): Finding => ({
  check,
  outcome: 'failed',
  text,
  todo,
});
export const skipped = (check: string, needs: string): Finding => ({
  check,
  outcome: 'skipped',
  text: `needs ${needs} first`,
});

/** What is no trouble and was not tried, with the reason. */
export const unused = (check: string, text: string): Finding => ({ check, outcome: 'skipped', text });

/** A finding of what was thrown: hints of our own errors are what to do. */
export function failure(check: string, error: unknown): Finding {
  if (error instanceof Pkcs11Error && error.hint !== undefined) return failed(check, error.message, error.hint);
  const hint = error instanceof Error && 'hint' in error ? String(error.hint) : undefined;
  if (error instanceof Error && hint !== undefined) return failed(check, error.message, hint);
  return failed(check, lineOf(error), 'look into the log of the agent, and at the health of the HSM');
}
