/** One version of a key as both of its PKCS#11 objects see it: what the list says, what its tags say, and its material. */

import * as ck from '../pkcs11/constants.ts';
import { type Side, taggedAttribute } from '../tags/attributes.ts';
import { type DecodedTags, decodeTags, meaningOf } from '../tags/codec.ts';
import { dayOf, EMPTY, ofBoolean, ofDate, ofText, toUlong } from '../tags/values.ts';
import { handleOf, handleOfClass } from './handles.ts';
import type { KeyOperation, KeySummary, KeyVersion, PublicKey } from './hsm.ts';
import { keyIdentifier, keyTypeOf } from './public-key.ts';

export interface KeyObject {
  readonly kind: Side;
  readonly handle: number;
  readonly key: Key;
}

/** The usage attributes and the key operation that each stands for. */
export const usageOperations: readonly { type: number; side: Side; operation: KeyOperation }[] = [
  { type: ck.CKA_SIGN, side: 'private', operation: 'sign' },
  { type: ck.CKA_DECRYPT, side: 'private', operation: 'decrypt' },
  { type: ck.CKA_UNWRAP, side: 'private', operation: 'unwrapKey' },
  { type: ck.CKA_VERIFY, side: 'public', operation: 'verify' },
  { type: ck.CKA_ENCRYPT, side: 'public', operation: 'encrypt' },
  { type: ck.CKA_WRAP, side: 'public', operation: 'wrapKey' },
];
const operationOf = new Map(usageOperations.map((row) => [row.type, row.operation]));

const OTHER: Readonly<Record<Side, Side>> = { private: 'public', public: 'private' };

/** What the tags say; a tag of ours that is no text is a problem like one that cannot be read. */
function decoded({ tags, oddTags = {} }: KeySummary): DecodedTags {
  const { values, problems } = decodeTags(tags);
  const odd = Object.entries(oddTags).filter(([tag]) => meaningOf(tag) !== undefined);
  return { values, problems: [...problems, ...odd.map(([tag, text]) => ({ tag, text, expected: 'a JSON string' }))] };
}

export class Key {
  readonly name: string;
  readonly created: number;
  readonly privateObject: KeyObject;
  readonly publicObject: KeyObject;
  summary: KeySummary;
  tags: DecodedTags;
  /** Known where it was asked for: from the material, or from the list of versions for an older one. */
  versionId: string | undefined;
  /** The reading of the material under way, shared by all who wait for it. */
  loading: Promise<void> | undefined;
  /** HsmIdentity.listsRead when the HSM refused to show the key: no search asks again before another list is read. */
  refusedAt: number | undefined;
  /** Its handle belongs to another key: it cannot be shown. */
  shadowed = false;
  #material: KeyVersion | undefined;
  #identifier: Uint8Array | undefined;

  constructor(summary: KeySummary, versionId?: string) {
    this.name = summary.name;
    this.created = summary.created;
    this.summary = summary;
    this.tags = decoded(summary);
    this.versionId = versionId;
    const handle = handleOf(summary.name, summary.created, 'private');
    this.privateObject = { kind: 'private', handle, key: this };
    this.publicObject = { kind: 'public', handle: handleOfClass(handle, 'public'), key: this };
  }

  /** A newer state of the same version. What the key itself says is read again where its tags do not say it. */
  update(summary: KeySummary): void {
    if (summary === this.summary) return;
    const touched = summary.updated !== this.summary.updated;
    this.summary = summary;
    this.tags = decoded(summary);
    if (touched && !this.describedByTags) this.#material = undefined;
  }

  get material(): KeyVersion | undefined {
    return this.#material;
  }

  set material(version: KeyVersion | undefined) {
    this.#material = version;
    this.#identifier = undefined;
    if (version !== undefined) this.versionId = version.version;
  }

  get publicKey(): PublicKey | undefined {
    return this.#material?.publicKey;
  }

  /** Tags of ours that cannot be read: the key is left out of searches until they are repaired. */
  get damaged(): boolean {
    return this.tags.problems.length > 0;
  }

  /** The tags hold all that a search asks for: type and id. The key need not be read, and defaults are PKCS#11's. */
  get describedByTags(): boolean {
    return this.#tag(ck.CKA_KEY_TYPE, 'private') !== undefined && this.#tagOfEither(ck.CKA_ID, 'private') !== undefined;
  }

  /** CKK_ value: the key's own where it was read, else its tag's. Undefined for what was neither read nor tagged. */
  get keyType(): number | undefined {
    if (this.#material?.publicKey !== undefined) return keyTypeOf(this.#material.publicKey);
    return this.taggedKeyType;
  }

  /** CKK_ value of the tag, which may contradict the key. */
  get taggedKeyType(): number | undefined {
    const tag = this.#tag(ck.CKA_KEY_TYPE, 'private');
    return tag === undefined ? undefined : toUlong(tag);
  }

  /** An RSA or EC key whose objects can be shown, as far as is known. */
  get presentable(): boolean {
    if (this.damaged || this.shadowed) return false;
    if (this.#material !== undefined) return this.#material.publicKey !== undefined;
    return this.describedByTags && (this.keyType === ck.CKK_RSA || this.keyType === ck.CKK_EC);
  }

  /** CKA_LABEL: the object's tag, else the other object's, else the key's name. */
  label(side: Side): Uint8Array {
    return this.#tagOfEither(ck.CKA_LABEL, side) ?? ofText(this.name);
  }

  /** CKA_ID: the object's tag, else the other object's, else the identifier of the public key (public-key.ts). */
  id(side: Side): Uint8Array {
    const tag = this.#tagOfEither(ck.CKA_ID, side);
    if (tag !== undefined) return tag;
    this.#identifier ??= this.publicKey === undefined ? EMPTY : keyIdentifier(this.publicKey);
    return this.#identifier;
  }

  /** A usage attribute such as CKA_SIGN: its tag, else the key's operations, or the default on keys described by tags. */
  usage(type: number, side: Side): Uint8Array {
    const tag = this.#tag(type, side);
    if (tag !== undefined) return tag;
    if (this.describedByTags || this.#material === undefined) return taggedAttribute(type)?.absent ?? ofBoolean(false);
    const operation = operationOf.get(type);
    return ofBoolean(operation !== undefined && this.#material.operations.includes(operation));
  }

  /** CKA_START_DATE or CKA_END_DATE: the day of the key's own nbf or exp, else the tag, else the empty date. */
  date(type: typeof ck.CKA_START_DATE | typeof ck.CKA_END_DATE): Uint8Array {
    const time = type === ck.CKA_START_DATE ? this.summary.notBefore : this.summary.expires;
    if (time !== undefined) return ofDate(dayOf(time));
    return this.#tag(type, 'private') ?? EMPTY;
  }

  #tag(type: number, side: Side): Uint8Array | undefined {
    return this.tags.values[side].get(type);
  }

  #tagOfEither(type: number, side: Side): Uint8Array | undefined {
    return this.#tag(type, side) ?? this.#tag(type, OTHER[side]);
  }
}
