import { CKR_BUFFER_TOO_SMALL, CKR_GENERAL_ERROR, CKR_OK } from './constants.ts';
import { nameOf } from './names.ts';

/** What an error carries beside code and message. */
export interface Pkcs11ErrorOptions {
  /** What the person who runs the server can do about it; printed after `hint:`. Never holds a secret. */
  hint?: string;
  cause?: unknown;
}

/**
 * A refusal with the CKR code that tells a PKCS#11 caller. `rv` is never CKR_OK.
 *
 * An error with a `hint` is the operator's business (identity, network, roles, configuration): the agent logs it and
 * the shim prints it on standard error. One without is the calling program's business (a bad handle, a wrong length).
 */
export class Pkcs11Error extends Error {
  /** The CKR code, never CKR_OK. */
  readonly rv: number;
  /** What the person who runs the program can do about it; undefined where the program itself is to be mended. */
  readonly hint: string | undefined;

  constructor(rv: number, message: string, options: Pkcs11ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Pkcs11Error';
    this.rv = rv === CKR_OK ? CKR_GENERAL_ERROR : rv;
    this.hint = options.hint;
  }

  /** The name of `rv`: `CKR_PIN_INCORRECT`. */
  get code(): string {
    return nameOf('CKR', this.rv).split(' ')[0] ?? 'CKR';
  }

  /** One line: message, hint and code. */
  get line(): string {
    const hint = this.hint === undefined ? '' : `; hint: ${this.hint}`;
    return `${this.message}${hint} (${nameOf('CKR', this.rv)})`;
  }
}

/** CKR_BUFFER_TOO_SMALL with the length the caller must offer (section 5.2); it does not end the operation. */
export class BufferTooSmall extends Pkcs11Error {
  readonly neededBytes: number;

  constructor(neededBytes: number) {
    super(CKR_BUFFER_TOO_SMALL, `the output needs ${neededBytes} bytes`);
    this.neededBytes = neededBytes;
  }
}
