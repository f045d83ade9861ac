import { CKR_GENERAL_ERROR, CKR_OK } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { NoAnswerReason } from './no-answer.ts';

/** Told what happens on the way to one HSM, by who counts it. Every method is on the way of a signature: be quick. */
export interface HsmObserver {
  /** A request got its place among the connections after so long. */
  admitted(waitedMs: number): void;
  /** An attempt ended with an HTTP status, or without an answer; `again`: the request is sent once more. */
  attempted(outcome: number | NoAnswerReason, again: boolean): void;
  /** A key was used, all waiting and retries included; `rv` is CKR_OK or why not. */
  used(operation: 'sign' | 'decrypt', key: string, rv: number, ms: number): void;
}

/** What one identity holds now. Times are milliseconds ago, or until then. */
export interface IdentityState {
  readonly name: string;
  readonly token: { readonly ageMs: number; readonly leftMs: number } | undefined;
  readonly keyList: { readonly ageMs: number; readonly keys: number } | undefined;
}

/** Tells the observer what becomes of the use of a key. */
export function observeUse<T>(
  observer: HsmObserver | undefined,
  operation: 'sign' | 'decrypt',
  key: string,
  use: Promise<T>,
): Promise<T> {
  if (observer === undefined) return use;
  const beginMs = performance.now();
  return use.then(
    (result) => {
      observer.used(operation, key, CKR_OK, performance.now() - beginMs);
      return result;
    },
    (error: unknown) => {
      const rv = error instanceof Pkcs11Error ? error.rv : CKR_GENERAL_ERROR;
      observer.used(operation, key, rv, performance.now() - beginMs);
      throw error;
    },
  );
}
