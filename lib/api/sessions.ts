import type { Application } from '../core/application.ts';
import type { Attribute } from '../core/calls.ts';
import { CKF_RW_SESSION, CKF_SERIAL_SESSION, CKR_CRYPTOKI_NOT_INITIALIZED } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';

/** Sessions of one application at one slot. An operation has a session for itself, so that any number run side by side. */
export class Sessions {
  readonly application: Application;
  readonly #slot: number;
  readonly #free: number[] = [];
  #last = 0;
  #closed = false;

  constructor(application: Application, slot: number) {
    this.application = application;
    this.#slot = slot;
    // Stays open: the login ends with the last session.
    this.#open();
  }

  #open(): number {
    const session = ++this.#last;
    this.application.openSession({ session, slot: this.#slot, flags: CKF_SERIAL_SESSION | CKF_RW_SESSION });
    return session;
  }

  /** No operation begins any more. */
  close(): void {
    this.#closed = true;
  }

  /** Runs an operation in a session that nobody else uses meanwhile. CKR_CRYPTOKI_NOT_INITIALIZED after `close`. */
  async use<T>(work: (session: number) => Promise<T>): Promise<T> {
    if (this.#closed) {
      const hint = 'close it when nobody needs it any more, or open it anew';
      throw new Pkcs11Error(CKR_CRYPTOKI_NOT_INITIALIZED, 'the HSM was closed by this program', { hint });
    }
    const session = this.#free.pop() ?? this.#open();
    try {
      return await work(session);
    } finally {
      this.#free.push(session);
    }
  }

  /** Handles of all objects that match. */
  find(template: readonly Attribute[]): Promise<number[]> {
    const { application } = this;
    return this.use(async (session) => {
      await application.findObjectsInit({ session, template });
      const { handles } = application.findObjects({ session, max: Number.MAX_SAFE_INTEGER });
      application.findObjectsFinal({ session });
      return handles;
    });
  }

  /** The values of attributes, in order; undefined where the object has none. */
  values(object: number, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const queries = types.map((type) => ({ type, capacity: Number.MAX_SAFE_INTEGER }));
    return this.use(async (session) => {
      const { results } = await this.application.getAttributeValue({ session, object, queries });
      return results.map(({ bytes }) => bytes ?? undefined);
    });
  }
}
