/**
 * Which codes a function may return: those that every function may (PKCS#11 v2.40, sections 5.1.1 to 5.1.3 and 5.1.6),
 * and those of the function's own list (sections 5.5 to 5.15). The one place that holds all functions to it: what goes
 * wrong deep inside, a secret that expired between C_SignInit and C_Sign for one, has a code of its own, and callers are
 * written against the list of the function they called.
 */

import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { Application } from './application.ts';

/** Of every function here: each works on a token, nearly each in a session. */
const OF_ALL = [
  ck.CKR_GENERAL_ERROR,
  ck.CKR_HOST_MEMORY,
  ck.CKR_FUNCTION_FAILED,
  ck.CKR_SESSION_HANDLE_INVALID,
  ck.CKR_SESSION_CLOSED,
  ck.CKR_DEVICE_ERROR,
  ck.CKR_DEVICE_MEMORY,
  ck.CKR_DEVICE_REMOVED,
  ck.CKR_ARGUMENTS_BAD,
  ck.CKR_CRYPTOKI_NOT_INITIALIZED,
  ck.CKR_FUNCTION_NOT_SUPPORTED,
];

const OF_SLOT = [ck.CKR_SLOT_ID_INVALID, ck.CKR_TOKEN_NOT_PRESENT, ck.CKR_TOKEN_NOT_RECOGNIZED];
const OF_LOGIN = [
  ck.CKR_OPERATION_NOT_INITIALIZED,
  ck.CKR_PIN_INCORRECT,
  ck.CKR_PIN_LOCKED,
  ck.CKR_SESSION_READ_ONLY_EXISTS,
  ck.CKR_USER_ALREADY_LOGGED_IN,
  ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
  ck.CKR_USER_PIN_NOT_INITIALIZED,
  ck.CKR_USER_TOO_MANY_TYPES,
  ck.CKR_USER_TYPE_INVALID,
];
const OF_WRITING = [ck.CKR_SESSION_READ_ONLY, ck.CKR_TOKEN_WRITE_PROTECTED];
const OF_TEMPLATE = [
  ck.CKR_ATTRIBUTE_READ_ONLY,
  ck.CKR_ATTRIBUTE_TYPE_INVALID,
  ck.CKR_ATTRIBUTE_VALUE_INVALID,
  ck.CKR_TEMPLATE_INCONSISTENT,
  ck.CKR_USER_NOT_LOGGED_IN,
  ...OF_WRITING,
];
const OF_NEW_OBJECT = [
  ...OF_TEMPLATE,
  ck.CKR_TEMPLATE_INCOMPLETE,
  ck.CKR_CURVE_NOT_SUPPORTED,
  ck.CKR_DOMAIN_PARAMS_INVALID,
  ck.CKR_PIN_EXPIRED,
];
const OF_START = [
  ck.CKR_MECHANISM_INVALID,
  ck.CKR_MECHANISM_PARAM_INVALID,
  ck.CKR_OPERATION_ACTIVE,
  ck.CKR_PIN_EXPIRED,
  ck.CKR_USER_NOT_LOGGED_IN,
];
const OF_START_WITH_KEY = [
  ...OF_START,
  ck.CKR_KEY_FUNCTION_NOT_PERMITTED,
  ck.CKR_KEY_HANDLE_INVALID,
  ck.CKR_KEY_SIZE_RANGE,
  ck.CKR_KEY_TYPE_INCONSISTENT,
];
const OF_UPDATE = [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_DATA_LEN_RANGE];
const OF_OUTPUT = [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_BUFFER_TOO_SMALL];
const OF_DATA = [ck.CKR_DATA_INVALID, ck.CKR_DATA_LEN_RANGE];
const OF_SIGNING = [...OF_OUTPUT, ck.CKR_DATA_LEN_RANGE, ck.CKR_USER_NOT_LOGGED_IN, ck.CKR_FUNCTION_REJECTED];
const OF_VERIFYING = [...OF_UPDATE, ck.CKR_SIGNATURE_INVALID, ck.CKR_SIGNATURE_LEN_RANGE];
const OF_RANDOM = [ck.CKR_OPERATION_ACTIVE, ck.CKR_RANDOM_NO_RNG, ck.CKR_USER_NOT_LOGGED_IN];

export type FunctionName = Exclude<keyof Application, 'sessionCounts' | 'operations'>;

/** The list of each function, without CKR_OK and OF_ALL. */
const LISTED: Readonly<Record<FunctionName, readonly number[]>> = {
  getSlotList: [],
  getSlotInfo: OF_SLOT,
  getTokenInfo: OF_SLOT,
  getMechanismList: OF_SLOT,
  getMechanismInfo: [...OF_SLOT, ck.CKR_MECHANISM_INVALID],
  openSession: [
    ...OF_SLOT,
    ck.CKR_SESSION_COUNT,
    ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    ck.CKR_SESSION_READ_WRITE_SO_EXISTS,
    ck.CKR_TOKEN_WRITE_PROTECTED,
  ],
  closeSession: [],
  closeAllSessions: OF_SLOT,
  getSessionInfo: [],
  login: OF_LOGIN,
  // The shim's replay of C_Login, by slot.
  resumeLogin: [...OF_LOGIN, ...OF_SLOT],
  logout: [ck.CKR_USER_NOT_LOGGED_IN],
  createObject: OF_NEW_OBJECT,
  copyObject: [...OF_TEMPLATE, ck.CKR_ACTION_PROHIBITED, ck.CKR_OBJECT_HANDLE_INVALID, ck.CKR_PIN_EXPIRED],
  destroyObject: [...OF_WRITING, ck.CKR_ACTION_PROHIBITED, ck.CKR_OBJECT_HANDLE_INVALID, ck.CKR_PIN_EXPIRED],
  getObjectSize: [ck.CKR_INFORMATION_SENSITIVE, ck.CKR_OBJECT_HANDLE_INVALID],
  getAttributeValue: [
    ck.CKR_ATTRIBUTE_SENSITIVE,
    ck.CKR_ATTRIBUTE_TYPE_INVALID,
    ck.CKR_BUFFER_TOO_SMALL,
    ck.CKR_OBJECT_HANDLE_INVALID,
  ],
  setAttributeValue: [...OF_TEMPLATE, ck.CKR_ACTION_PROHIBITED, ck.CKR_OBJECT_HANDLE_INVALID],
  findObjectsInit: [
    ck.CKR_ATTRIBUTE_TYPE_INVALID,
    ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ck.CKR_OPERATION_ACTIVE,
    ck.CKR_PIN_EXPIRED,
  ],
  findObjects: [ck.CKR_OPERATION_NOT_INITIALIZED],
  findObjectsFinal: [ck.CKR_OPERATION_NOT_INITIALIZED],
  encryptInit: OF_START_WITH_KEY,
  encrypt: [...OF_OUTPUT, ...OF_DATA],
  decryptInit: OF_START_WITH_KEY,
  decrypt: [...OF_OUTPUT, ck.CKR_ENCRYPTED_DATA_INVALID, ck.CKR_ENCRYPTED_DATA_LEN_RANGE, ck.CKR_USER_NOT_LOGGED_IN],
  digestInit: OF_START,
  digest: OF_OUTPUT,
  digestUpdate: [ck.CKR_OPERATION_NOT_INITIALIZED],
  digestFinal: OF_OUTPUT,
  signInit: OF_START_WITH_KEY,
  sign: [...OF_SIGNING, ck.CKR_DATA_INVALID],
  signUpdate: [...OF_UPDATE, ck.CKR_USER_NOT_LOGGED_IN],
  signFinal: OF_SIGNING,
  verifyInit: OF_START_WITH_KEY,
  verify: [...OF_VERIFYING, ck.CKR_DATA_INVALID],
  // The shim's own, ahead of the parts of a C_Verify.
  verifyWhole: [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_SIGNATURE_LEN_RANGE],
  verifyUpdate: OF_UPDATE,
  verifyFinal: OF_VERIFYING,
  // The shim's own, after a call with pointers missing.
  cancelOperations: [],
  generateKeyPair: [
    ...OF_NEW_OBJECT,
    ck.CKR_MECHANISM_INVALID,
    ck.CKR_MECHANISM_PARAM_INVALID,
    ck.CKR_OPERATION_ACTIVE,
  ],
  generateRandom: OF_RANDOM,
  seedRandom: [...OF_RANDOM, ck.CKR_RANDOM_SEED_NOT_SUPPORTED],
};

/** Codes that say nearly the same, the nearest first. */
const NEAR: ReadonlyMap<number, readonly number[]> = new Map([
  [ck.CKR_PIN_INCORRECT, [ck.CKR_PIN_EXPIRED]],
  [ck.CKR_KEY_HANDLE_INVALID, [ck.CKR_OBJECT_HANDLE_INVALID]],
  [ck.CKR_OBJECT_HANDLE_INVALID, [ck.CKR_KEY_HANDLE_INVALID]],
  [ck.CKR_KEY_FUNCTION_NOT_PERMITTED, [ck.CKR_ACTION_PROHIBITED]],
]);

const all = new Set(OF_ALL);
const listed = new Map(Object.entries(LISTED).map(([name, codes]) => [name, new Set(codes)]));

/** Whether a function of this name may return the code; CKR_OK is no refusal. */
export function isListed(name: FunctionName, rv: number): boolean {
  return all.has(rv) || listed.get(name)?.has(rv) === true;
}

/** The code itself where the function lists it, else a near one that it lists, else CKR_FUNCTION_FAILED. */
export function listedCode(name: FunctionName, rv: number): number {
  const codes = [rv, ...(NEAR.get(rv) ?? [])];
  return codes.find((code) => isListed(name, code)) ?? ck.CKR_FUNCTION_FAILED;
}

function listedError(name: FunctionName, error: unknown): unknown {
  if (!(error instanceof Pkcs11Error)) return error;
  const rv = listedCode(name, error.rv);
  if (rv === error.rv) return error;
  const { message, hint } = error;
  return new Pkcs11Error(rv, message, hint === undefined ? { cause: error } : { hint, cause: error });
}

type Method = (request: unknown) => unknown;

function held(name: FunctionName, method: Method): Method {
  const refuse = (error: unknown): never => {
    throw listedError(name, error);
  };
  return (request) => {
    try {
      const answer = method(request);
      return answer instanceof Promise ? answer.catch(refuse) : answer;
    } catch (error) {
      return refuse(error);
    }
  };
}

/** The application, with every function held to its list. Other errors than Pkcs11Error pass as they are. */
export function withListedCodes(application: Application): Application {
  const functions = new Map<string | symbol, Method>();
  for (const key of Object.keys(LISTED)) {
    const name = key as FunctionName;
    functions.set(name, held(name, (application[name] as Method).bind(application)));
  }
  return new Proxy(application, { get: (target, name) => functions.get(name) ?? Reflect.get(target, name, target) });
}
