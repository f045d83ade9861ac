// All keys, live and deleted: in memory for reading, written through to the store before an answer.
import { conflict, deletedKeyNotFound, keyNotFound, limitExceeded } from '../service-error.ts';
import type { Change, Records } from '../store/records.ts';
import type { Deletion, Key, KeyVersion, RotationPolicy } from './key-model.ts';
import { newestOf } from './key-model.ts';
import { SortedNames } from './sorted-names.ts';

interface KeyRow {
  name: string;
  deletion?: Deletion;
  rotationPolicy?: RotationPolicy;
}

const maxKeys = 5000;
export const maxVersions = 100;

const idOf = (name: string) => name.toLowerCase();

export class KeyRing {
  readonly #keys = new Map<string, Key>();
  readonly #live = new SortedNames();
  readonly #deleted = new SortedNames();
  readonly #withPolicy = new Set<string>();
  readonly #records: Records;
  readonly #nowS: () => number;
  #sequence = 0;
  #policyRevision = 0;
  #gone: (key: Key) => void = () => {};

  constructor(records: Records, nowS: () => number) {
    this.#records = records;
    this.#nowS = nowS;
    const versions = Map.groupBy(records.all<KeyVersion>('keyVersion'), (version) => idOf(version.name));
    for (const row of records.all<KeyRow>('key')) {
      const own = (versions.get(idOf(row.name)) ?? []).sort((a, b) => a.sequence - b.sequence);
      this.#sequence = Math.max(this.#sequence, own.at(-1)?.sequence ?? 0);
      this.#index({ ...row, versions: own });
    }
  }

  /** Tells of each key that is purged, or gives way to another one of its name. */
  whenGone(gone: (key: Key) => void): void {
    this.#gone = gone;
  }

  /** The number for the next version. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Changes whenever a key that has a rotation policy, or gets one, changes or goes. */
  get policyRevision(): number {
    return this.#policyRevision;
  }

  /** The keys that have a rotation policy, deleted ones too. */
  *keysWithPolicy(): Iterable<Key> {
    for (const id of this.#withPolicy) {
      const key = this.#keys.get(id);
      if (key !== undefined) yield key;
    }
  }

  /** All keys in whichever state, without those whose time of purge has come. */
  all(): Iterable<Key> {
    this.#purgeDue();
    return this.#keys.values();
  }

  /** The key in whichever state. */
  find(name: string): Key | undefined {
    return this.#keys.get(idOf(name));
  }

  /** The live key; throws KeyNotFound. */
  live(name: string): Key {
    const key = this.#keys.get(idOf(name));
    if (key === undefined || key.deletion !== undefined) throw keyNotFound(name);
    return key;
  }

  /** The versions of a live key, oldest first; none when it is not there. */
  liveVersions(name: string): readonly KeyVersion[] {
    const key = this.find(name);
    return key === undefined || key.deletion !== undefined ? [] : key.versions;
  }

  /** A version of a live key, the newest when none is named; throws KeyNotFound. */
  version(name: string, version?: string): KeyVersion {
    const key = this.live(name);
    const found = version === undefined ? newestOf(key) : key.versions.find((each) => each.version === version);
    if (found === undefined) throw keyNotFound(name, version);
    return found;
  }

  /** The deleted key; throws KeyNotFound. Its time of purge is kept to the second, by whoever asks next. */
  deleted(name: string): Key & { deletion: Deletion } {
    const key = this.#keys.get(idOf(name));
    if (key?.deletion === undefined) throw deletedKeyNotFound(name);
    if (key.deletion.scheduledPurgeDate <= this.#nowS()) {
      this.purge(name);
      throw deletedKeyNotFound(name);
    }
    return { ...key, deletion: key.deletion };
  }

  /** Up to `count` keys whose names follow `after`, by name. */
  pageLive(after: string, count: number): Key[] {
    return this.#live.after(after, count).map((id) => this.live(id));
  }

  pageDeleted(after: string, count: number): (Key & { deletion: Deletion })[] {
    this.#purgeDue();
    return this.#deleted.after(after, count).map((id) => this.deleted(id));
  }

  /** Throws when the name is taken by a deleted key, or a limit of the service is reached. */
  assertCanAdd(name: string): void {
    const key = this.#keys.get(idOf(name));
    if (key?.deletion !== undefined && key.deletion.scheduledPurgeDate > this.#nowS()) {
      throw conflict(
        `Key ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged`,
        'ObjectIsDeletedButRecoverable',
      );
    }
    if (key === undefined && this.#isFull()) throw limitExceeded(`The pool already holds ${maxKeys} keys`);
    if (key !== undefined && key.versions.length >= maxVersions) {
      throw limitExceeded(`Key ${name} already has ${maxVersions} versions`);
    }
  }

  /** Adds the newest version of a new or a live key. */
  add(version: KeyVersion): void {
    this.assertCanAdd(version.name);
    const known = this.#keys.get(idOf(version.name));
    if (known?.deletion !== undefined) this.purge(known.name);
    const live = known?.deletion === undefined ? known : undefined;
    const key: Key = { ...(live ?? { name: version.name }), versions: [...(live?.versions ?? []), version] };
    this.#write(key, [versionChange(version)]);
  }

  /** Brings a whole key back from its backup. Throws Conflict when the name is taken. */
  restore(backed: Omit<Key, 'deletion'>): Key {
    this.assertCanAdd(backed.name);
    const known = this.#keys.get(idOf(backed.name));
    if (known !== undefined && known.deletion === undefined) throw conflict(`Key ${backed.name} already exists`);
    if (known !== undefined) this.purge(known.name);
    const key: Key = { ...backed, versions: backed.versions.map((version) => this.#renumbered(version)) };
    this.#write(key, key.versions.map(versionChange));
    return key;
  }

  /** Adds the versions of a backup that the pool lacks. @returns how many were added, and how many it had */
  restoreMissing(backed: Key): { restored: number; kept: number } {
    const known = this.#keys.get(idOf(backed.name));
    if (known === undefined) {
      this.overwrite([backed], 'keep');
      return { restored: backed.versions.length, kept: 0 };
    }
    const had = new Set(known.versions.map(({ version }) => version));
    const missing = backed.versions.filter(({ version }) => !had.has(version));
    const versions = [...known.versions, ...missing]
      .sort((a, b) => a.created - b.created)
      .map((each) => ({ ...this.#renumbered(each), name: known.name }));
    this.#write({ ...known, versions }, versions.map(versionChange));
    return { restored: missing.length, kept: backed.versions.length - missing.length };
  }

  /**
   * Puts these keys, and what they say of deletion, in the place of the live or deleted ones with the same names.
   *
   * @param also written with them, all or none
   */
  overwrite(keys: readonly Key[], others: 'keep' | 'drop', also: readonly Change[] = []): void {
    const wanted = keys.map((key) => ({ ...key, versions: key.versions.map((each) => this.#renumbered(each)) }));
    const ids = new Set(wanted.map(({ name }) => idOf(name)));
    const gone = [...this.#keys.values()].filter(({ name }) => others === 'drop' || ids.has(idOf(name)));
    const changes = [...gone.flatMap(dropChanges), ...wanted.flatMap((key) => putChanges(key)), ...also];
    this.#records.apply(changes);
    for (const { name } of gone) this.#forget(name);
    for (const key of wanted) this.#index(key);
  }

  /** Replaces a version by its changed copy. */
  replace(version: KeyVersion): void {
    const key = this.live(version.name);
    const versions = key.versions.map((each) => (each.version === version.version ? version : each));
    this.#write({ ...key, versions }, [versionChange(version)]);
  }

  setRotationPolicy(name: string, rotationPolicy: RotationPolicy): void {
    this.#write({ ...this.live(name), rotationPolicy }, []);
  }

  delete(name: string, retentionDays: number): Key & { deletion: Deletion } {
    const deletedDate = this.#nowS();
    const deletion = { deletedDate, scheduledPurgeDate: deletedDate + retentionDays * 86_400 };
    const key = { ...this.live(name), deletion };
    this.#write(key, []);
    return key;
  }

  recover(name: string): Key {
    const { deletion: _, ...key } = this.deleted(name);
    this.#write(key, []);
    return key;
  }

  purge(name: string): void {
    const key = this.#keys.get(idOf(name));
    if (key === undefined) return;
    this.#records.apply(dropChanges(key));
    this.#forget(name);
  }

  #isFull(): boolean {
    if (this.#keys.size >= maxKeys) this.#purgeDue();
    return this.#keys.size >= maxKeys;
  }

  #purgeDue(): void {
    const due = this.#deleted
      .all()
      .filter((id) => (this.#keys.get(id)?.deletion?.scheduledPurgeDate ?? 0) <= this.#nowS());
    for (const id of due) this.purge(id);
  }

  #write(key: Key, changes: readonly Change[]): void {
    this.#records.apply([keyChange(key), ...changes]);
    this.#index(key);
  }

  /** Sequences order the versions of one run of this pool; those of a backup may come from another. */
  #renumbered(version: KeyVersion): KeyVersion {
    return { ...version, sequence: this.nextSequence() };
  }

  #forget(name: string): void {
    const id = idOf(name);
    const key = this.#keys.get(id);
    this.#keys.delete(id);
    if (key !== undefined) this.#gone(key);
    this.#live.remove(id);
    this.#deleted.remove(id);
    if (this.#withPolicy.delete(id)) this.#policyRevision += 1;
  }

  #index(key: Key): void {
    const id = idOf(key.name);
    this.#keys.set(id, key);
    const [here, there] = key.deletion === undefined ? [this.#live, this.#deleted] : [this.#deleted, this.#live];
    here.add(id);
    there.remove(id);
    if (key.rotationPolicy === undefined) return;
    this.#withPolicy.add(id);
    this.#policyRevision += 1;
  }
}

const versionChange = (version: KeyVersion): Change => ({ kind: 'keyVersion', id: version.version, body: version });

function keyChange({ name, deletion, rotationPolicy }: Key): Change {
  const row: KeyRow = { name, ...(deletion && { deletion }), ...(rotationPolicy && { rotationPolicy }) };
  return { kind: 'key', id: idOf(name), body: row };
}

const putChanges = (key: Key): Change[] => [keyChange(key), ...key.versions.map(versionChange)];

const dropChanges = ({ name, versions }: Key): Change[] => [
  { kind: 'key', id: idOf(name), body: undefined },
  ...versions.map(({ version }): Change => ({ kind: 'keyVersion', id: version, body: undefined })),
];
