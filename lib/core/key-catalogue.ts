/**
 * The keys one identity sees at one HSM, and the way from a handle to a key. Knows no session; shared by every
 * application that uses the identity.
 *
 * - The list alone answers for keys whose tags describe them. Other keys are read once a version, many at a time.
 * - A handle is looked up in a map. One that is not there is looked for in a fresh list, then among the versions of the
 *   keys whose name fits, so that handles given out before a rotation, or by another process, keep their meaning.
 */

import { CKR_DEVICE_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { nameOf } from '../pkcs11/names.ts';
import { meaningOf } from '../tags/codec.ts';
import { handleOf, handleOfClass, partsOf } from './handles.ts';
import type { HsmIdentity, KeySummary, KeyVersion, KeyVersionSummary, ListOptions } from './hsm.ts';
import { Key, type KeyObject } from './key.ts';
import { objectHandleInvalid } from './refusals.ts';

/** Keys read at the same time; the HSM client queues what its connections cannot take. */
const PARALLEL_READS = 32;
/** Handles known to be nobody's; more are forgotten rather than kept. */
const MAX_KNOWN_UNKNOWNS = 1000;

export type Warn = (line: string) => void;

const unreadable = (key: Key) => `unreadable ${key.name}`;
const versionKey = (summary: KeySummary) => `${summary.name}\n${summary.created}`;

export class KeyCatalogue {
  readonly identity: HsmIdentity;
  readonly #warn: Warn;
  #list: readonly KeySummary[] | undefined;
  /** Newest versions, in the order of the list. */
  #current: Key[] = [];
  /** By name and creation time: the newest versions, and older ones that a handle asked for. */
  #versions = new Map<string, Key>();
  #objects = new Map<number, KeyObject>();
  /** Handles that nobody has, with the list in which they were looked for, read after they were asked for. */
  readonly #unknown = new Map<number, readonly KeySummary[]>();
  /** Troubles already told, so that each is one line. */
  readonly #warned = new Set<string>();

  constructor(identity: HsmIdentity, warn: Warn) {
    this.identity = identity;
    this.#warn = warn;
  }

  /** The object of a handle, if it is known without asking anybody. The hot path. */
  known(handle: number): KeyObject | undefined {
    return this.#objects.get(handle);
  }

  /** Takes the list as it is cached, or a fresh one. */
  async refresh(options?: Omit<ListOptions, 'onListed'>): Promise<void> {
    const list = await this.identity.listKeys({ ...options, onListed: (key) => void this.#keyOf(key) });
    if (list !== this.#list) this.#take(list);
  }

  /** True once a list was read. */
  get isListed(): boolean {
    return this.#list !== undefined;
  }

  /** True when the HSM has no key at all that could be shown. */
  get isEmpty(): boolean {
    return !this.#current.some((key) => key.presentable);
  }

  /** The keys to show, of their newest versions. Those that cannot be read are left out, with a line to say so. */
  async presentable(): Promise<Key[]> {
    const unread = this.#current.filter(
      (key) => !key.damaged && !key.shadowed && key.material === undefined && !key.describedByTags,
    );
    await this.readAll(unread);
    return this.#current.filter((key) => key.presentable);
  }

  /**
   * Reads the material of many keys. A key that cannot be read stays unread; when the HSM is away, the rest wait too. What
   * the HSM refuses is asked for again when another list was read, be it in the background: a role may be given meanwhile.
   */
  async readAll(keys: readonly Key[]): Promise<void> {
    const { listsRead } = this.identity;
    const rest = keys.filter((key) => key.material === undefined && key.refusedAt !== listsRead).values();
    let away = false;
    const reader = async () => {
      for (const key of rest) {
        if (away) return;
        try {
          await this.read(key);
        } catch (error) {
          if (error instanceof Pkcs11Error && error.rv === CKR_DEVICE_ERROR) away = true;
          else key.refusedAt = listsRead;
          const why = error instanceof Error ? error.message : String(error);
          this.#warnOnce(unreadable(key), `key ${key.name} is left out, it cannot be read: ${why}`);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, keys.length) }, reader));
  }

  /** Reads the material of one key version, once. Rejects as the HSM does. */
  read(key: Key): Promise<void> {
    if (key.material !== undefined) return Promise.resolve();
    key.loading ??= this.#readVersion(key).finally(() => {
      key.loading = undefined;
    });
    return key.loading;
  }

  async #readVersion(key: Key): Promise<void> {
    let version = await this.identity.getKey(key.name, key.versionId);
    if (version.created !== key.created) {
      const older = (await this.identity.listVersions(key.name)).find((it) => it.created === key.created);
      if (older === undefined) throw objectHandleInvalid(key.privateObject.handle);
      version = await this.identity.getKey(key.name, older.version);
    }
    key.material = version;
    this.#warned.delete(unreadable(key));
    this.#tellContradiction(key);
  }

  #tellContradiction({ name, keyType, taggedKeyType: tagged }: Key): void {
    if (keyType === undefined || tagged === undefined || keyType === tagged) return;
    const [is, says] = [keyType, tagged].map((type) => nameOf('CKK', type));
    this.#warnOnce(
      `contradicted ${name} ${says}`,
      `key ${name} is ${is}, its tag p11_pri_CKA_KEY_TYPE says ${says}; the key itself counts, correct the tag`,
    );
  }

  /** The object of a handle, asking the HSM when the handle is not known; undefined when nobody has it. */
  async resolve(handle: number): Promise<KeyObject | undefined> {
    const parts = partsOf(handle);
    if (parts === undefined || parts.handleClass === 'certificate') return undefined;
    await this.refresh();
    const listed = this.#objects.get(handle);
    if (listed !== undefined) return listed;
    if (this.#list !== undefined && this.#unknown.get(handle) === this.#list) return undefined;
    let mayBeNew = false;
    const onSpared = () => {
      mayBeNew = true;
    };
    await this.refresh({ fresh: true, sparing: true, onSpared });
    const list = this.#list;
    const found = this.#objects.get(handle) ?? (await this.#olderVersion(handle));
    if (found === undefined && list !== undefined && !mayBeNew) this.#noteUnknown(handle, list);
    return found;
  }

  #noteUnknown(handle: number, list: readonly KeySummary[]): void {
    if (this.#unknown.size >= MAX_KNOWN_UNKNOWNS) this.#unknown.clear();
    this.#unknown.set(handle, list);
  }

  async #olderVersion(handle: number): Promise<KeyObject | undefined> {
    const sameName = partsOf(handle)?.nameBits;
    const named = this.#current.filter((key) => partsOf(key.privateObject.handle)?.nameBits === sameName);
    const ofPrivate = handleOfClass(handle, 'private');
    for (const { name } of named) {
      const versions = await this.identity.listVersions(name);
      const match = versions.find((version) => handleOf(name, version.created, 'private') === ofPrivate);
      if (match !== undefined) this.#enter(this.#versions.get(versionKey(match)) ?? this.#older(match));
    }
    return this.#objects.get(handle);
  }

  #older(summary: KeyVersionSummary): Key {
    const key = new Key(summary, summary.version);
    this.#versions.set(versionKey(summary), key);
    return key;
  }

  /** A key version that was just made here. */
  add(version: KeyVersion): Key {
    // A list that was read meanwhile may have brought it already.
    const key = this.#versions.get(versionKey(version)) ?? new Key(version, version.version);
    key.update(version);
    key.material = version;
    this.#versions.set(versionKey(version), key);
    this.#current = [...this.#current.filter((it) => it.name !== key.name), key];
    this.#enter(key);
    return key;
  }

  /** A key version that was just changed here. */
  change(key: Key, version: KeyVersion): void {
    key.update(version);
    key.material = version;
  }

  /** A key that was just deleted here, all of its versions. */
  remove(name: string): void {
    this.#current = this.#current.filter((key) => key.name !== name);
    this.#forget((key) => key.name === name);
  }

  #keyOf(summary: KeySummary): Key {
    const id = versionKey(summary);
    const known = this.#versions.get(id);
    if (known !== undefined) return known;
    const key = new Key(summary);
    this.#versions.set(id, key);
    return key;
  }

  #take(list: readonly KeySummary[]): void {
    const listed = new Set<Key>();
    const names = new Set<string>();
    for (const summary of list) {
      const key = this.#keyOf(summary);
      key.update(summary);
      key.shadowed = false;
      listed.add(key);
      names.add(summary.name);
    }
    this.#list = list;
    this.#current = [...listed];
    this.#forget((key) => !listed.has(key) && !names.has(key.name));
    for (const key of listed) {
      this.#enter(key);
      this.#tellDamage(key);
    }
  }

  #tellDamage(key: Key): void {
    for (const { tag, text, expected } of key.tags.problems) {
      this.#warnOnce(
        `damaged ${key.name} ${tag} ${text}`,
        `key ${key.name} is left out, its tag ${tag} is damaged: ${JSON.stringify(text)} is not ${expected}`,
      );
    }
    for (const [tag, json] of Object.entries(key.summary.oddTags ?? {})) {
      if (meaningOf(tag) !== undefined) continue;
      const line = `key ${key.name} has a tag ${JSON.stringify(tag)} that is no text but ${json}; it is not looked at`;
      this.#warnOnce(`odd ${key.name} ${tag}`, line);
    }
  }

  #enter(key: Key): void {
    const other = this.#objects.get(key.privateObject.handle)?.key;
    if (other !== undefined && other !== key && other.name < key.name) return this.#shadow(key, other);
    if (other !== undefined && other !== key) this.#shadow(other, key);
    this.#objects.set(key.privateObject.handle, key.privateObject);
    this.#objects.set(key.publicObject.handle, key.publicObject);
  }

  #shadow(key: Key, by: Key): void {
    key.shadowed = true;
    this.#warnOnce(
      `shadowed ${key.name} ${key.created}`,
      `key ${key.name} is left out, its handle is that of key ${by.name}; a new version of it gets another`,
    );
  }

  #forget(gone: (key: Key) => boolean): void {
    for (const [id, key] of this.#versions) {
      if (!gone(key)) continue;
      this.#versions.delete(id);
      for (const { handle } of [key.privateObject, key.publicObject]) {
        if (this.#objects.get(handle)?.key === key) this.#objects.delete(handle);
      }
    }
  }

  #warnOnce(trouble: string, line: string): void {
    if (this.#warned.has(trouble)) return;
    this.#warned.add(trouble);
    this.#warn(`${line} (identity ${this.identity.name})`);
  }
}
