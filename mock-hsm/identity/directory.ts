// The tenant's directory: service principals, managed identities, users and groups, kept in the store.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Store } from '../store/store.ts';
import type {
  DirectoryEntry,
  ManagedIdentityEntry,
  Secret,
  ServicePrincipalEntry,
  UserEntry,
} from './directory-model.ts';

/** What must not lie on disk as it is. */
interface Confidential {
  readonly secrets?: readonly Secret[];
  readonly password?: string;
}

type Row = Omit<DirectoryEntry, keyof Confidential> & { readonly sealed: string };

/** A change that the directory cannot take; the message names the entry. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
}

export class Directory {
  readonly #store: Store;
  readonly #byObjectId = new Map<string, DirectoryEntry>();

  constructor(store: Store) {
    this.#store = store;
    for (const { sealed, ...row } of store.records.all<Row>('directoryEntry')) {
      const confidential = JSON.parse(store.seal.open(sealed, row.objectId).toString()) as Confidential;
      this.#byObjectId.set(row.objectId, { ...row, ...confidential } as DirectoryEntry);
    }
  }

  /** All entries, in the order they were added since the start. */
  all(): DirectoryEntry[] {
    return [...this.#byObjectId.values()];
  }

  byObjectId(objectId: string): DirectoryEntry | undefined {
    return this.#byObjectId.get(objectId.toLowerCase());
  }

  byName(name: string): DirectoryEntry | undefined {
    const wanted = name.toLowerCase();
    return this.all().find((entry) => entry.name.toLowerCase() === wanted);
  }

  /** The service principal or managed identity with this application id. */
  byClientId(clientId: string): ServicePrincipalEntry | ManagedIdentityEntry | undefined {
    const wanted = clientId.toLowerCase();
    for (const entry of this.#byObjectId.values()) {
      if ('clientId' in entry && entry.clientId === wanted) return entry;
    }
    return undefined;
  }

  byUpn(upn: string): UserEntry | undefined {
    const wanted = upn.toLowerCase();
    for (const entry of this.#byObjectId.values()) {
      if (entry.kind === 'User' && entry.upn.toLowerCase() === wanted) return entry;
    }
    return undefined;
  }

  /** Object ids of all groups that hold this entry, directly or through other groups. */
  groupsOf(objectId: string): string[] {
    const found = new Set<string>();
    const pending = [objectId.toLowerCase()];
    for (let member = pending.pop(); member !== undefined; member = pending.pop()) {
      for (const entry of this.#byObjectId.values()) {
        if (entry.kind !== 'Group' || found.has(entry.objectId) || !entry.members.includes(member)) continue;
        found.add(entry.objectId);
        pending.push(entry.objectId);
      }
    }
    found.delete(objectId.toLowerCase());
    return [...found];
  }

  /**
   * Adds an entry, or replaces the one with its object id.
   *
   * Throws DirectoryError when another entry already has its name, client id or user principal name.
   */
  put(entry: DirectoryEntry): void {
    this.#assertUnique(entry);
    const { secrets, password, ...row } = entry as DirectoryEntry & Confidential;
    const confidential: Confidential = {
      ...(secrets === undefined ? {} : { secrets }),
      ...(password === undefined ? {} : { password }),
    };
    const sealed = this.#store.seal.close(Buffer.from(JSON.stringify(confidential)), entry.objectId);
    this.#store.records.apply([{ kind: 'directoryEntry', id: entry.objectId, body: { ...row, sealed } }]);
    this.#byObjectId.set(entry.objectId, entry);
  }

  /** Removes an entry and takes it out of all groups. Role assignments to it stay, as they do in the service. */
  remove(objectId: string): void {
    for (const group of this.all()) {
      if (group.kind !== 'Group' || !group.members.includes(objectId)) continue;
      this.put({ ...group, members: group.members.filter((member) => member !== objectId) });
    }
    this.#store.records.apply([{ kind: 'directoryEntry', id: objectId, body: undefined }]);
    this.#byObjectId.delete(objectId);
  }

  /** The service principal of this name, made with one secret when there is none. */
  ensureServicePrincipal(name: string): ServicePrincipalEntry {
    const known = this.byName(name);
    if (known?.kind === 'ServicePrincipal') return known;
    const made: ServicePrincipalEntry = {
      kind: 'ServicePrincipal',
      name,
      clientId: randomUUID(),
      objectId: randomUUID(),
      secrets: [{ keyId: randomUUID(), value: newSecret() }],
      certificates: [],
      federatedCredentials: [],
    };
    this.put(made);
    return made;
  }

  #assertUnique(entry: DirectoryEntry): void {
    const others = [this.byName(entry.name)];
    if ('clientId' in entry) others.push(this.byClientId(entry.clientId));
    if (entry.kind === 'User') others.push(this.byUpn(entry.upn));
    const other = others.find((each) => each !== undefined && each.objectId !== entry.objectId);
    if (other === undefined) return;
    const what = `${entry.kind} ${entry.name}`;
    throw new DirectoryError(`${what} has the name or id of ${other.kind} ${other.name} (${other.objectId})`);
  }
}

/** 40 characters of base64url, which no shell needs to quote, and no hyphen first, which az would read as an option. */
export function newSecret(): string {
  const secret = randomBytes(30).toString('base64url');
  return secret.startsWith('-') ? newSecret() : secret;
}
