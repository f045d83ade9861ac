/** Attributes of our own (CKA_VENDOR_DEFINED and the letters `mh`): what the HSM knows of a key. Texts are UTF-8, without NUL. */

import { CKA_VENDOR_DEFINED } from './constants.ts';

/** Name of the key. In the private template of C_GenerateKeyPair it chooses the name. */
export const CKA_MHSM_KEY_NAME = CKA_VENDOR_DEFINED + 0x6d6801;
/** Version of the key, 32 hexadecimal characters. Read only. */
export const CKA_MHSM_KEY_VERSION = CKA_VENDOR_DEFINED + 0x6d6802;
/** `https://{hsm}/keys/{name}/{version}`. Read only. */
export const CKA_MHSM_KEY_ID = CKA_VENDOR_DEFINED + 0x6d6803;
/** CK_BBOOL: whether the HSM uses the key at all. Read only. */
export const CKA_MHSM_KEY_ENABLED = CKA_VENDOR_DEFINED + 0x6d6804;
