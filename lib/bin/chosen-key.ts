import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Attribute } from '../core/calls.ts';
import {
  CKA_CLASS,
  CKA_ID,
  CKA_LABEL,
  CKA_PUBLIC_KEY_INFO,
  CKO_PRIVATE_KEY,
  CKO_PUBLIC_KEY,
} from '../pkcs11/constants.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { ofText, ofUlong } from '../tags/values.ts';
import { idOption, type KeyChoice } from './options.ts';
import { FailedError, UsageError } from './program.ts';
import type { Token } from './token.ts';

/** One key pair of a token. */
export interface ChosenKey {
  readonly name: string;
  readonly privateKey: number;
  readonly publicKey: number;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
}

function wordsOf({ label, id, name }: KeyChoice): string {
  const words = [
    label !== undefined && `label ${label}`,
    id !== undefined && `id ${id}`,
    name !== undefined && `name ${name}`,
  ];
  return words.filter((word) => word !== false).join(' and ');
}

function templateOf({ label, id, name }: KeyChoice): Attribute[] {
  const template = [
    ...(label === undefined ? [] : [{ type: CKA_LABEL, value: ofText(label) }]),
    ...(id === undefined ? [] : [{ type: CKA_ID, value: idOption(id) }]),
    ...(name === undefined ? [] : [{ type: CKA_MHSM_KEY_NAME, value: ofText(name) }]),
  ];
  if (template.length > 0) return template;
  throw new UsageError('no key was chosen', 'say --label, --id or --name; mhsm_p11_list_keys shows them');
}

/** The one key that fits. Throws UsageError for a wrong choice, FailedError when no key fits or several do. */
export async function chooseKey(token: Token, choice: KeyChoice): Promise<ChosenKey> {
  const template = templateOf(choice);
  const found = await token.find([{ type: CKA_CLASS, value: ofUlong(CKO_PRIVATE_KEY) }, ...template]);
  const names = await Promise.all(found.map((handle) => token.text(handle, CKA_MHSM_KEY_NAME)));
  const [privateKey] = found;
  const [name = ''] = names;
  if (privateKey === undefined) {
    throw new FailedError(`no key has ${wordsOf(choice)}`, 'mhsm_p11_list_keys shows what this identity sees');
  }
  if (found.length > 1) {
    throw new FailedError(`${found.length} keys have ${wordsOf(choice)}: ${names.join(', ')}`, 'choose one by --name');
  }
  const [publicKey] = await token.find([
    { type: CKA_CLASS, value: ofUlong(CKO_PUBLIC_KEY) },
    { type: CKA_MHSM_KEY_NAME, value: ofText(name) },
  ]);
  const [publicKeyInfo] = await token.values(privateKey, [CKA_PUBLIC_KEY_INFO]);
  if (publicKey === undefined || publicKeyInfo === undefined) {
    throw new FailedError(`key ${name} has no public key`, 'mhsm-p11 tags show says what its tags hold');
  }
  return { name, privateKey, publicKey, publicKeyInfo: Uint8Array.from(publicKeyInfo) };
}

/** The public key for node:crypto. */
export function publicKeyOf({ publicKeyInfo }: ChosenKey): KeyObject {
  return createPublicKey({ key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' });
}
