/** The tokens of the model and the key pairs on them. */

import * as ck from '../../lib/pkcs11/constants.ts';
import { ofUlong } from '../../lib/tags/values.ts';
import type { Attribute } from '../../lib/wire/schema.ts';
import { attribute, classIs, labelIs } from '../client.ts';
import { type TestKey, testKeys } from '../keys.ts';
import type { SignatureScheme } from '../signature-schemes.ts';

export type Half = 'private' | 'public';

/** One half of a pair. */
export class ModelObject {
  readonly key: ModelKey;
  readonly half: Half;
  label: string;
  isThere = true;

  constructor(key: ModelKey, half: Half, label: string) {
    this.key = key;
    this.half = half;
    this.label = label;
  }

  /** Whether it matches a template that was made of another object's attributes. */
  matches(other: ModelObject, wanted: readonly Wanted[]): boolean {
    return wanted.every((what) => compare[what](this, other));
  }

  templateOf(wanted: readonly Wanted[]): Attribute[] {
    return wanted.map((what) => attributes[what](this));
  }
}

/** What a search asks for. */
export const WANTED = ['class', 'label', 'id', 'key type'] as const;
export type Wanted = (typeof WANTED)[number];

const compare: { readonly [W in Wanted]: (one: ModelObject, other: ModelObject) => boolean } = {
  class: (one, other) => one.half === other.half,
  label: (one, other) => one.label === other.label,
  id: (one, other) => Buffer.compare(one.key.id, other.key.id) === 0,
  'key type': (one, other) => one.key.kind.keyType === other.key.kind.keyType,
};

const attributes: { readonly [W in Wanted]: (object: ModelObject) => Attribute } = {
  class: ({ half }) => classIs(half === 'private' ? ck.CKO_PRIVATE_KEY : ck.CKO_PUBLIC_KEY),
  label: ({ label }) => labelIs(label),
  id: ({ key }) => attribute(ck.CKA_ID, key.id),
  'key type': ({ key }) => attribute(ck.CKA_KEY_TYPE, ofUlong(key.kind.keyType)),
};

/** A key pair, or what is left of one. */
export class ModelKey {
  /** What it was generated as. */
  readonly kind: TestKey;
  readonly id: Uint8Array;
  /** Made by a step, and so may be destroyed by one. */
  readonly isGenerated: boolean;
  readonly private: ModelObject;
  readonly public: ModelObject;
  /** The last message that was signed by each scheme, and its signature. */
  readonly signed = new Map<SignatureScheme, { text: Uint8Array; signature: Uint8Array }>();

  constructor(kind: TestKey, { id, label }: Pick<TestKey, 'id' | 'label'>, isGenerated: boolean) {
    this.kind = kind;
    this.id = id;
    this.isGenerated = isGenerated;
    this.private = new ModelObject(this, 'private', label);
    this.public = new ModelObject(this, 'public', label);
  }

  get objects(): readonly ModelObject[] {
    return [this.private, this.public];
  }
}

/** Who signed, and how. */
export interface Signed {
  readonly scheme: SignatureScheme;
  readonly key: ModelKey;
}

/** A token as all applications see it. */
export class ModelToken {
  /** Its place among the subject's tokens. */
  readonly index: number;
  /** Destroyed ones stay, so that their handles are tried too. */
  readonly keys: ModelKey[] = testKeys.map((key) => new ModelKey(key, key, false));

  lastSigned: Signed | undefined;

  constructor(index: number) {
    this.index = index;
  }

  get objects(): ModelObject[] {
    return this.keys.flatMap(({ objects }) => objects).filter(({ isThere }) => isThere);
  }

  /** Names for the next pair: the same on every token. */
  get nextName(): Pick<TestKey, 'id' | 'label'> {
    return { id: Uint8Array.of(0xd0, this.keys.length), label: `generated-${this.keys.length}` };
  }

  /** Whether anything is not as the suite made it. */
  get isChanged(): boolean {
    return this.keys.some(
      ({ isGenerated, kind, objects }) => isGenerated || objects.some(({ label }) => label !== kind.label),
    );
  }
}
