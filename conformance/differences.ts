/** Where another library keeps a promise of the standard otherwise, and why: by subject, by promise. */
export const differences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  softhsm: {
    'fork-child-initializes': 'C_Initialize in a forked child is CKR_CRYPTOKI_ALREADY_INITIALIZED',
    'logout-without-login': 'C_Logout succeeds although nobody is logged in',
    'logout-ends-signature': 'a logout leaves operations alone: C_Sign still signs with the key',
    'sign-key-type': 'the type of the key is not looked at when a signature begins',
    'sign-key-unknown': 'a key handle that nobody has is CKR_OBJECT_HANDLE_INVALID, as for any object',
    'sign-data-length': 'data of a length that PSS cannot sign is CKR_GENERAL_ERROR, told by OpenSSL',
    'encrypt-data-length': 'data that does not fit the key is CKR_GENERAL_ERROR, told by OpenSSL',
    'decrypt-data-length': 'a ciphertext of another length is CKR_GENERAL_ERROR, told by OpenSSL',
  },
};
