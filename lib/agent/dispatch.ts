import { CKR_GENERAL_ERROR, CKR_OK } from '../pkcs11/constants.ts';
import { BufferTooSmall, Pkcs11Error } from '../pkcs11/error.ts';
import type { Request, Response } from '../wire/codec.ts';
import { CALLS, type CallName, type RequestOf, type ResponseOf } from '../wire/schema.ts';

export type Pkcs11Call = Exclude<CallName, 'hello'>;
export type Pkcs11Request = Exclude<Request, { call: 'hello' }>;

/** What a call gives back: the fields of its answer, and a code other than CKR_OK where an error still carries fields. */
export type Answer<C extends CallName> = ResponseOf<C> & { rv?: number };

/** The core's Application, seen as the wire sees it: a method a call, with the schema's fields. */
export type Pkcs11Calls = {
  [C in Pkcs11Call]: (request: RequestOf<C>) => Answer<C> | Promise<Answer<C>>;
};

/** Makes a call and gives its answer; never throws. */
export type Dispatch = (
  calls: Pkcs11Calls,
  request: Pkcs11Request,
  report: Report,
) => Response<CallName> | Promise<Response<CallName>>;

/** Says what went wrong to those who run the server; returns the line that the caller's standard error shall show. */
export type Report = (call: CallName, error: Pkcs11Error) => string;

function successOf<C extends CallName>(answer: Answer<C>): Response<C> {
  return { rv: answer.rv ?? CKR_OK, message: '', fields: answer };
}

/** The fields that go with CKR_BUFFER_TOO_SMALL: the length that is needed, in the call's one output (section 5.2). */
function neededLength(call: CallName, bytes: number): Response<CallName>['fields'] {
  const output = Object.entries(CALLS[call].response).find(([, type]) => type === 'output');
  return output === undefined ? null : ({ [output[0]]: { length: bytes, bytes: null } } as never);
}

function asPkcs11Error(error: unknown): Pkcs11Error {
  if (error instanceof Pkcs11Error) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new Pkcs11Error(CKR_GENERAL_ERROR, `unexpected failure in the agent: ${what}`, {
    hint: 'this is a defect of the agent: please report it with the agent log',
    cause: error,
  });
}

/** The one place where an error becomes a CKR code: answers, never throws. */
export function refusalOf(call: CallName, error: unknown, report: Report): Response<CallName> {
  const refusal = asPkcs11Error(error);
  const fields = refusal instanceof BufferTooSmall ? neededLength(call, refusal.neededBytes) : null;
  return { rv: refusal.rv, message: report(call, refusal), fields };
}

/**
 * Makes the call and gives its answer: at once where the core answers at once, so that nothing is queued for the calls
 * that need no HSM.
 */
export function dispatch(
  calls: Pkcs11Calls,
  request: Pkcs11Request,
  report: Report,
): Response<CallName> | Promise<Response<CallName>> {
  const { call, fields } = request;
  try {
    const method = calls[call] as (fields: unknown) => Answer<CallName> | Promise<Answer<CallName>>;
    const answer = method.call(calls, fields);
    if (!(answer instanceof Promise)) return successOf(answer);
    return answer.then(successOf, (error: unknown) => refusalOf(call, error, report));
  } catch (error) {
    return refusalOf(call, error, report);
  }
}
