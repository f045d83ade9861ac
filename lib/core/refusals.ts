/**
 * Every refusal of the core, and the only place where its CKR codes are chosen. Sections are of the PKCS#11 2.40 base
 * specification; 5.1 explains the codes, each function's section lists those it may give.
 */

import * as ckr from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { nameOf } from '../pkcs11/names.ts';

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

// Slots and sessions (5.5, 5.6)

export const slotIdInvalid = (slot: number) =>
  new Pkcs11Error(ckr.CKR_SLOT_ID_INVALID, `there is no slot ${slot} in the configuration`);

export const sessionHandleInvalid = (session: number) =>
  new Pkcs11Error(ckr.CKR_SESSION_HANDLE_INVALID, `session ${session} is not open`);

/** 5.1.2: closed while the function was under way; a handle that is no session's when it begins is the one above. */
export const sessionClosed = (session: number) =>
  new Pkcs11Error(ckr.CKR_SESSION_CLOSED, `session ${session} was closed meanwhile`);

/** 5.6 C_OpenSession: CKF_SERIAL_SESSION "should always be set". */
export const parallelNotSupported = () =>
  new Pkcs11Error(ckr.CKR_SESSION_PARALLEL_NOT_SUPPORTED, 'a session needs CKF_SERIAL_SESSION');

/** The shim never gives one handle two meanings; a peer that does is wrong in its arguments. */
export const sessionHandleTaken = (session: number) =>
  new Pkcs11Error(
    ckr.CKR_ARGUMENTS_BAD,
    `session handle ${session} cannot be opened: zero, or open with another slot or flags`,
  );

export const tooManySessions = () =>
  new Pkcs11Error(ckr.CKR_SESSION_COUNT, 'too many sessions are open', {
    hint: 'the caller, or another process of its user, opens sessions and does not close them: restart it',
  });

export const sessionReadOnly = () =>
  new Pkcs11Error(ckr.CKR_SESSION_READ_ONLY, 'this needs a session opened with CKF_RW_SESSION');

// Login (5.6)

export const alreadyLoggedIn = () =>
  new Pkcs11Error(ckr.CKR_USER_ALREADY_LOGGED_IN, 'the user is logged in to this token already');

export const notLoggedIn = () => new Pkcs11Error(ckr.CKR_USER_NOT_LOGGED_IN, 'nobody is logged in to this token');

export const userTypeInvalid = (userType: number) =>
  new Pkcs11Error(ckr.CKR_USER_TYPE_INVALID, `user type ${nameOf('CKU', userType)} does not exist`);

/** 5.6: the security officer may not log in while the application has a read-only session. */
export const readOnlySessionExists = () =>
  new Pkcs11Error(ckr.CKR_SESSION_READ_ONLY_EXISTS, 'the security officer cannot log in beside a read-only session');

export const anotherUserLoggedIn = () =>
  new Pkcs11Error(ckr.CKR_USER_ANOTHER_ALREADY_LOGGED_IN, 'another user is logged in to this token');

/** A Managed HSM has roles instead of a security officer, and no PIN of his that could ever be right. */
export const noSecurityOfficer = () =>
  new Pkcs11Error(ckr.CKR_PIN_LOCKED, 'this token has no security officer: roles are assigned in Azure');

/** 5.6: CKU_CONTEXT_SPECIFIC is for an operation that asked for it; none here does (CKA_ALWAYS_AUTHENTICATE is false). */
export const noContextSpecificLogin = () =>
  new Pkcs11Error(ckr.CKR_OPERATION_NOT_INITIALIZED, 'no operation here asks for a login of its own');

// Objects (5.7)

export const objectHandleInvalid = (object: number) =>
  new Pkcs11Error(ckr.CKR_OBJECT_HANDLE_INVALID, `there is no object with handle ${hex(object)}`);

export const keyHandleInvalid = (key: number) =>
  new Pkcs11Error(ckr.CKR_KEY_HANDLE_INVALID, `there is no key with handle ${hex(key)}`);

export const attributeTypeInvalid = (type: number) =>
  new Pkcs11Error(ckr.CKR_ATTRIBUTE_TYPE_INVALID, `${nameOf('CKA', type)} is not an attribute of this object`);

export const attributeReadOnly = (type: number) =>
  new Pkcs11Error(ckr.CKR_ATTRIBUTE_READ_ONLY, `${nameOf('CKA', type)} cannot be set`);

export const attributeValueInvalid = (type: number, why: string) =>
  new Pkcs11Error(ckr.CKR_ATTRIBUTE_VALUE_INVALID, `${nameOf('CKA', type)}: ${why}`);

/** 5.7 C_CopyObject, C_SetAttributeValue, C_DestroyObject: CKA_COPYABLE, CKA_MODIFIABLE, CKA_DESTROYABLE is false. */
export const actionProhibited = (why: string) => new Pkcs11Error(ckr.CKR_ACTION_PROHIBITED, why);

export const tooManyTags = (key: string) =>
  new Pkcs11Error(ckr.CKR_DEVICE_MEMORY, `key ${key} has no room for another tag`, {
    hint: 'a key has at most 15 tags; remove some that are not needed',
  });

// Templates (4.1, 5.14)

export const templateIncomplete = (type: number) =>
  new Pkcs11Error(ckr.CKR_TEMPLATE_INCOMPLETE, `the template lacks ${nameOf('CKA', type)}`);

export const templateInconsistent = (why: string) => new Pkcs11Error(ckr.CKR_TEMPLATE_INCONSISTENT, why);

/** Mechanisms specification, elliptic curves: the parameters are well formed, the curve is not one of ours. */
export const curveNotSupported = () =>
  new Pkcs11Error(ckr.CKR_CURVE_NOT_SUPPORTED, 'CKA_EC_PARAMS names a curve that the HSM does not have');

/** Mechanisms specification, elliptic curves: not the DER of a named curve. */
export const domainParamsInvalid = () =>
  new Pkcs11Error(ckr.CKR_DOMAIN_PARAMS_INVALID, 'CKA_EC_PARAMS is not the object identifier of a curve');

/** 5.7.1 C_CreateObject: no object at all can be made by it. Keys are born in the HSM. */
export const creationNotSupported = () =>
  new Pkcs11Error(
    ckr.CKR_FUNCTION_NOT_SUPPORTED,
    'objects cannot be imported; keys are made with C_GenerateKeyPair, certificates come from the configuration',
  );

// Mechanisms and operations (5.10 to 5.15)

export const mechanismInvalid = (type: number) =>
  new Pkcs11Error(ckr.CKR_MECHANISM_INVALID, `${nameOf('CKM', type)} is not available for this`);

export const mechanismParamInvalid = (type: number, why: string) =>
  new Pkcs11Error(ckr.CKR_MECHANISM_PARAM_INVALID, `${nameOf('CKM', type)}: ${why}`);

export const keyTypeInconsistent = (mechanism: number) =>
  new Pkcs11Error(ckr.CKR_KEY_TYPE_INCONSISTENT, `the key is of another type than ${nameOf('CKM', mechanism)} needs`);

export const keySizeRange = (bits: number, mechanism: number) =>
  new Pkcs11Error(ckr.CKR_KEY_SIZE_RANGE, `a key of ${bits} bits is out of the range of ${nameOf('CKM', mechanism)}`);

export const keyFunctionNotPermitted = (attribute: number) =>
  new Pkcs11Error(ckr.CKR_KEY_FUNCTION_NOT_PERMITTED, `the key has no ${nameOf('CKA', attribute)} of true`);

export const operationActive = (what: string) => new Pkcs11Error(ckr.CKR_OPERATION_ACTIVE, `${what} is active already`);

export const operationNotInitialized = (what: string) =>
  new Pkcs11Error(ckr.CKR_OPERATION_NOT_INITIALIZED, `no ${what} is active in this session`);

export const dataLenRange = (bytes: number, expected: string) =>
  new Pkcs11Error(ckr.CKR_DATA_LEN_RANGE, `data of ${bytes} bytes; ${expected}`);

export const encryptedDataLenRange = (bytes: number, expected: number) =>
  new Pkcs11Error(ckr.CKR_ENCRYPTED_DATA_LEN_RANGE, `a ciphertext of ${bytes} bytes; this key makes ${expected}`);

export const signatureLenRange = (bytes: number, expected: number) =>
  new Pkcs11Error(ckr.CKR_SIGNATURE_LEN_RANGE, `a signature of ${bytes} bytes; this key makes ${expected}`);

export const signatureInvalid = () => new Pkcs11Error(ckr.CKR_SIGNATURE_INVALID, 'the signature does not verify');

export const signatureFromHsmMalformed = (bytes: number, expected: number) =>
  new Pkcs11Error(ckr.CKR_DEVICE_ERROR, `the HSM gave a signature of ${bytes} bytes; ${expected} were expected`, {
    hint: 'the answer did not come from a Managed HSM, or the key was changed under the same version',
  });

// Random (5.15)

export const randomSeedNotSupported = () =>
  new Pkcs11Error(ckr.CKR_RANDOM_SEED_NOT_SUPPORTED, 'the generator of the HSM takes no seed');

export const randomTooLong = (bytes: number, most: number) =>
  new Pkcs11Error(ckr.CKR_ARGUMENTS_BAD, `${bytes} random bytes were asked for; ${most} are the most at once`);
