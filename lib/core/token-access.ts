/** What an identity sees on a token: its keys, and the certificates of the configuration. Knows no session. */

import * as ck from '../pkcs11/constants.ts';
import { EMPTY, ofBoolean } from '../tags/values.ts';
import { type CertificateObject, certificateAttribute, certificateAttributes } from './certificate.ts';
import { CertificateShelf } from './certificate-shelf.ts';
import { partsOf } from './handles.ts';
import type { HsmIdentity } from './hsm.ts';
import type { KeyObject } from './key.ts';
import { keyAttribute, keyAttributesOf } from './key-attributes.ts';
import { KeyCatalogue, type Warn } from './key-catalogue.ts';

export type TokenObject = KeyObject | CertificateObject;

/** The value of an attribute; that the object does not have it; or that it never leaves the HSM. */
export type AttributeValue = Uint8Array | 'absent' | 'sensitive';

export interface TokenAccessOptions {
  certificates: readonly CertificateObject[];
  allowDestroy: boolean;
  warn: Warn;
}

export class TokenAccess {
  readonly identity: HsmIdentity;
  readonly keys: KeyCatalogue;
  readonly shelf: CertificateShelf;
  readonly #allowDestroy: boolean;

  constructor(identity: HsmIdentity, options: TokenAccessOptions) {
    this.identity = identity;
    this.keys = new KeyCatalogue(identity, options.warn);
    this.shelf = new CertificateShelf(options.certificates, this.keys);
    this.#allowDestroy = options.allowDestroy;
  }

  /** The object of a handle without asking anybody. */
  known(handle: number): TokenObject | undefined {
    return this.keys.known(handle) ?? this.shelf.known(handle);
  }

  /** The object of a handle, asking the HSM where it must; undefined when nobody has the handle. */
  async resolve(handle: number): Promise<TokenObject | undefined> {
    if (partsOf(handle)?.handleClass === 'certificate') return this.shelf.known(handle);
    return this.keys.known(handle) ?? (await this.keys.resolve(handle));
  }

  /** CKA_DESTROYABLE: private keys where the configuration allows it; the public half goes with its private key. */
  isDestroyable(object: TokenObject): boolean {
    return this.#allowDestroy && object.kind === 'private';
  }

  /** True where the value is there without asking the HSM. */
  isAtHand(object: TokenObject, type: number): boolean {
    if (object.kind === 'certificate') return certificateAttribute(type)?.ofKey !== true;
    const { key } = object;
    return key.material !== undefined || (key.describedByTags && keyAttribute(object, type)?.from !== 'key');
  }

  /** The value of an attribute that is at hand. */
  valueAtHand(object: TokenObject, type: number): AttributeValue {
    if (type === ck.CKA_DESTROYABLE) return ofBoolean(this.isDestroyable(object));
    if (object.kind === 'certificate') return certificateAttribute(type)?.value(object, undefined) ?? 'absent';
    const row = keyAttribute(object, type);
    if (row === undefined) return 'absent';
    return row.from === 'never' ? 'sensitive' : row.value(object.key, object.kind);
  }

  /** The value of an attribute, from the HSM where it must be. */
  async value(object: TokenObject, type: number): Promise<AttributeValue> {
    if (this.isAtHand(object, type)) return this.valueAtHand(object, type);
    if (object.kind === 'certificate') {
      return certificateAttribute(type)?.value(object, await this.shelf.keyOf(object)) ?? EMPTY;
    }
    await this.keys.read(object.key);
    return this.valueAtHand(object, type);
  }

  /** The attributes that the object has and that can be read. */
  readableTypes(object: TokenObject): number[] {
    const own =
      object.kind === 'certificate'
        ? certificateAttributes.map((row) => row.type)
        : keyAttributesOf(object)
            .filter((row) => row.from !== 'never')
            .map((row) => row.type);
    return [...own, ck.CKA_DESTROYABLE];
  }
}
