/** RSA ciphers, as the module has them and as another implementation does. */

import { constants, type KeyObject, publicEncrypt } from 'node:crypto';
import * as ck from '../../lib/pkcs11/constants.ts';
import type { Mechanism } from '../../lib/wire/schema.ts';
import { bare } from '../client.ts';
import { named, oaepParameter } from '../keys.ts';

export interface Cipher {
  readonly name: string;
  readonly mechanism: Mechanism;
  /** Bytes that fit a key of 2048 bits. */
  readonly most: number;
  encrypt(key: KeyObject, data: Uint8Array): Uint8Array;
}

const { RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING } = constants;

export const ciphers: readonly Cipher[] = [
  {
    name: 'CKM_RSA_PKCS',
    mechanism: bare(ck.CKM_RSA_PKCS),
    most: 245,
    encrypt: (key: KeyObject, data: Uint8Array) => publicEncrypt({ key, padding: RSA_PKCS1_PADDING }, data),
  },
  {
    name: 'CKM_RSA_PKCS_OAEP',
    mechanism: { type: ck.CKM_RSA_PKCS_OAEP, parameter: oaepParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1) },
    most: 214,
    encrypt: (key: KeyObject, data: Uint8Array) =>
      publicEncrypt({ key, padding: RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, data),
  },
].map((cipher) => named(cipher.name, cipher));
