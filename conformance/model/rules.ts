/** Where modules differ although the standard is one. Each line says what ours does, then what SoftHSM does. */

import * as ck from '../../lib/pkcs11/constants.ts';

export interface Rules {
  /** C_SignInit and C_DecryptInit replace what was begun (web servers never clean up). Else CKR_OPERATION_ACTIVE. */
  readonly privateUseReplaces: boolean;
  /** A logout ends what was begun (5.6 C_Logout). SoftHSM goes on. */
  readonly logoutEndsOperations: boolean;
  /** C_Logout without a login (5.6 C_Logout). SoftHSM sees no harm in it. */
  readonly logoutWithoutLogin: number;
  /** Operations of several kinds go on side by side in a session: the token may choose. SoftHSM has one. */
  readonly kindsSideBySide: boolean;
  /** Nothing is seen before a login, public keys neither. SoftHSM shows those as long as a session is open. */
  readonly publicNeedsLogin: boolean;
  /** A private key used after a logout. SoftHSM has forgotten the handle. */
  readonly keyAfterLogout: number;
  /** A key used that is not there. SoftHSM says of a key what it says of any object. */
  readonly keyGone: number;
  /** A key used that was destroyed after the operation began: it is asked of the HSM. SoftHSM holds it in memory. */
  readonly keyGoneMeanwhile: number;
  /** A handle of one token means nothing in a session of another. SoftHSM takes it as its own. */
  readonly handlesStayInSlot: boolean;
  /** Both halves of a pair go at once, and through the private one alone. In SoftHSM each goes by itself. */
  readonly pairIsOne: boolean;
  /** C_Sign, C_Verify and C_Digest after parts: refused, and the operation ends. */
  readonly wholeAfterParts: { readonly sign: Outcome; readonly verify: Outcome; readonly digest: Outcome };
  /** C_SignFinal and C_VerifyFinal of a mechanism without parts: refused, and the operation ends. SoftHSM goes on. */
  readonly finalWithoutPartsEnds: boolean;
  /** C_SignFinal of a mechanism without parts tells first that the buffer is too small. SoftHSM, that it has no parts. */
  readonly tooSmallBeforeNoParts: boolean;
  /** Data too long to be encrypted. SoftHSM gives what OpenSSL told it. */
  readonly dataTooLong: number;
  /** A ciphertext of another length than the key's. SoftHSM gives what OpenSSL told it. */
  readonly ciphertextLength: number;
  /**
   * A forked child goes on with the sessions and logins of its parent, but without what they had begun, and C_Initialize
   * makes it an application of its own (docs: forks of web servers). SoftHSM goes on with everything, and lets no child
   * call C_Initialize.
   */
  readonly childStartsAnew: boolean;
  /** C_Decrypt wants room for what is there. SoftHSM wants room for as much as the key is long. */
  readonly plaintextFits: boolean;
}

/** Refused and over; refused and still active; or done as if there had been no parts. */
export type Outcome = 'ends' | 'goes on' | 'works';

export const ourRules: Rules = {
  privateUseReplaces: true,
  logoutEndsOperations: true,
  logoutWithoutLogin: ck.CKR_USER_NOT_LOGGED_IN,
  kindsSideBySide: true,
  publicNeedsLogin: true,
  keyAfterLogout: ck.CKR_USER_NOT_LOGGED_IN,
  keyGone: ck.CKR_KEY_HANDLE_INVALID,
  keyGoneMeanwhile: ck.CKR_KEY_HANDLE_INVALID,
  handlesStayInSlot: true,
  pairIsOne: true,
  wholeAfterParts: { sign: 'ends', verify: 'ends', digest: 'ends' },
  finalWithoutPartsEnds: true,
  tooSmallBeforeNoParts: true,
  dataTooLong: ck.CKR_DATA_LEN_RANGE,
  ciphertextLength: ck.CKR_ENCRYPTED_DATA_LEN_RANGE,
  childStartsAnew: true,
  plaintextFits: true,
};

export const softhsmRules: Rules = {
  privateUseReplaces: false,
  logoutEndsOperations: false,
  logoutWithoutLogin: ck.CKR_OK,
  kindsSideBySide: false,
  publicNeedsLogin: false,
  keyAfterLogout: ck.CKR_OBJECT_HANDLE_INVALID,
  keyGone: ck.CKR_OBJECT_HANDLE_INVALID,
  keyGoneMeanwhile: ck.CKR_OK,
  handlesStayInSlot: false,
  pairIsOne: false,
  wholeAfterParts: { sign: 'ends', verify: 'ends', digest: 'works' },
  finalWithoutPartsEnds: false,
  tooSmallBeforeNoParts: false,
  dataTooLong: ck.CKR_GENERAL_ERROR,
  ciphertextLength: ck.CKR_GENERAL_ERROR,
  childStartsAnew: false,
  plaintextFits: false,
};
