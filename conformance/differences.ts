export interface Difference {
  /** How the message of the broken promise begins: anything else is no difference but a failure. */
  readonly gives: string;
  readonly explanation: string;
}

/** Where another library keeps a promise of the standard otherwise, and why: by subject, by promise. */
export const differences: Readonly<Record<string, Readonly<Record<string, Difference>>>> = {
  softhsm: {
    'fork-child-initializes': {
      gives: 'the answer to C_Initialize in the child is "191"',
      explanation: 'C_Initialize in a forked child is CKR_CRYPTOKI_ALREADY_INITIALIZED',
    },
    'logout-without-login': {
      gives: 'logout gave CKR_OK',
      explanation: 'C_Logout succeeds although nobody is logged in',
    },
    'logout-ends-signature': {
      gives: 'sign gave CKR_OK',
      explanation: 'a logout leaves operations alone: C_Sign still signs with the key',
    },
    'sign-key-type': {
      gives: 'signInit gave CKR_OK',
      explanation: 'the type of the key is not looked at when a signature begins',
    },
    'sign-key-unknown': {
      gives: 'signInit gave CKR_OBJECT_HANDLE_INVALID',
      explanation: 'a key handle that nobody has is CKR_OBJECT_HANDLE_INVALID, as for any object',
    },
    'sign-data-length': {
      gives: 'sign gave CKR_GENERAL_ERROR',
      explanation: 'data of a length that PSS cannot sign is CKR_GENERAL_ERROR, told by OpenSSL',
    },
    'encrypt-data-length': {
      gives: 'encrypt gave CKR_GENERAL_ERROR',
      explanation: 'data that does not fit the key is CKR_GENERAL_ERROR, told by OpenSSL',
    },
    'decrypt-data-length': {
      gives: 'decrypt gave CKR_GENERAL_ERROR',
      explanation: 'a ciphertext of another length is CKR_GENERAL_ERROR, told by OpenSSL',
    },
  },
};
