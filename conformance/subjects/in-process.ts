/** The core called in process, as the agent calls it: refusals become codes in the same place. */

import { dispatch, type Pkcs11Calls, type Pkcs11Request } from '../../lib/agent/dispatch.ts';
import type { Application } from '../../lib/core/application.ts';
import type { Library } from '../../lib/core/library.ts';
import { CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OK } from '../../lib/pkcs11/constants.ts';
import type { FunctionName, Functions, Program, Reply } from '../subject.ts';

const unexpected = (call: string, error: { rv: number; cause?: unknown }): string => {
  if (error.cause !== undefined) process.stderr.write(`${call}: ${String((error.cause as Error).stack)}\n`);
  return '';
};

/** A client process of the library. Session handles are chosen here, as the module chooses them. */
export class InProcess implements Program {
  readonly #library: Library;
  #application: Application | undefined;
  #lastSession = 0;

  constructor(library: Library) {
    this.#library = library;
  }

  async call<F extends FunctionName>(name: F, request: Functions[F]['request']): Promise<Reply<F>> {
    if (name === 'initialize') return { rv: this.#initialize(), values: {} as Functions[F]['values'] };
    const application = this.#application;
    if (application === undefined) return { rv: CKR_CRYPTOKI_NOT_INITIALIZED, values: undefined };
    if (name === 'finalize') {
      this.#finalize(application);
      return { rv: CKR_OK, values: {} as Functions[F]['values'] };
    }
    if (name === 'openSession') return this.#open(application, request as { slot: number; flags: number });
    return this.#dispatch(application, name, request);
  }

  async #dispatch<F extends FunctionName>(application: Application, call: string, fields: unknown): Promise<Reply<F>> {
    const calls = application as unknown as Pkcs11Calls;
    const response = await dispatch(calls, { call, fields } as Pkcs11Request, unexpected);
    return { rv: response.rv, values: (response.fields ?? undefined) as Functions[F]['values'] | undefined };
  }

  async #open<F extends FunctionName>(
    application: Application,
    request: { slot: number; flags: number },
  ): Promise<Reply<F>> {
    // Taken before anything is awaited: another thread may open one at the same time.
    const session = ++this.#lastSession;
    const { rv } = await this.#dispatch(application, 'openSession', { ...request, session });
    if (rv !== CKR_OK) return { rv, values: undefined };
    return { rv, values: { session } as Functions[F]['values'] };
  }

  #initialize(): number {
    if (this.#application !== undefined) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    this.#application = this.#library.createApplication();
    return CKR_OK;
  }

  #finalize(application: Application): void {
    for (const slot of this.#library.slotIds) application.closeAllSessions({ slot });
    this.#application = undefined;
  }
}
