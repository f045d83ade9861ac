// Backups of the whole pool. A real one goes to a blob container in Azure storage; here the containers are inside the
// mock, named as they would be, and hold what a restore needs: keys, deleted ones too, custom roles and assignments.
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { KeyBackups, PortableKey } from '../keyvault/key-backup.ts';
import type { KeyService } from '../keyvault/key-service.ts';
import type { RoleBook } from '../rbac/role-book.ts';
import type { RoleAssignment, RoleDefinition } from '../rbac/role-model.ts';
import { backupTooOld, badParameter } from '../service-error.ts';
import type { Records } from '../store/records.ts';
import type { Job, Jobs, Outcome } from './jobs.ts';
import type { SecurityDomain } from './security-domain.ts';

/** A full restore destroys, so the pool asks for a backup taken shortly before. */
export const freshBackupMs = 30 * 60_000;

const sealContext = 'poolBackup';

const storage = z.object({
  storageResourceUri: z.url({ protocol: /^https$/ }),
  token: z.string().nullish(),
  useManagedIdentity: z.boolean().nullish(),
});

/** Where a backup goes or comes from. */
export type Storage = z.output<typeof storage>;

const missingKeyText = 'The given key or its versions NOT found';

const keyNotInBackup: Outcome = {
  details: missingKeyText,
  failure: { code: 'No key versions are updated', message: missingKeyText },
};

const folder = z.string().regex(/^[\w.-]{1,256}$/, 'is not a folder name');

export const backupBody = storage;
export const checkBackupBody = storage.partial();
export const restoreBody = z.object({ sasTokenParameters: storage, folderToRestore: folder });
export const checkRestoreBody = z.object({ sasTokenParameters: storage.partial(), folderToRestore: folder }).partial();
export const selectiveRestoreBody = z.object({ sasTokenParameters: storage, folder });

/** What is known of a backup without reading it. Its content, sealed, is a row of its own under the same id. */
interface StoredBackup {
  readonly uri: string;
  readonly takenMs: number;
}

interface Content {
  readonly keys: readonly PortableKey[];
  readonly roleDefinitions: readonly RoleDefinition[];
  readonly roleAssignments: readonly RoleAssignment[];
}

export interface BackedParts {
  readonly keys: KeyService;
  readonly keyBackups: KeyBackups;
  readonly roles: RoleBook;
  readonly securityDomain: SecurityDomain;
  readonly records: Records;
  readonly jobs: Jobs;
  readonly clock: Clock;
}

export class PoolBackups {
  readonly #parts: BackedParts;
  readonly #stored: Map<string, StoredBackup>;

  constructor(parts: BackedParts) {
    this.#parts = parts;
    this.#stored = new Map(parts.records.all<StoredBackup>('backup').map((backup) => [backup.uri, backup]));
  }

  /** Backs everything up. @param poolName first part of the folder's name. Throws BadParameter, Conflict. */
  backup(to: Storage, poolName: string): Job {
    assertMayUse(to);
    const { jobs, clock, securityDomain, records } = this.#parts;
    jobs.assertFree();
    const takenMs = clock.nowMs();
    const uri = `${containerOf(to)}/mhsm-${poolName}-${timestamp(takenMs)}`;
    const sealed = securityDomain.seal.close(Buffer.from(JSON.stringify(this.#content())), sealContext);
    const backup: StoredBackup = { uri, takenMs };
    records.apply([
      { kind: 'backup', id: uri, body: backup },
      { kind: 'backupContent', id: uri, body: sealed },
    ]);
    this.#stored.set(uri, backup);
    return jobs.start('backup', { folderUri: uri });
  }

  /** Puts the pool back to what it was. Throws BadParameter when the folder is not there or not of this domain. */
  restore(from: Storage, folderName: string): Job {
    const content = this.#read(from, folderName);
    const { jobs, keys, keyBackups, roles, clock } = this.#parts;
    jobs.assertFree();
    const newestMs = Math.max(...[...this.#stored.values()].map(({ takenMs }) => takenMs));
    if (clock.nowMs() - newestMs > freshBackupMs) throw backupTooOld(freshBackupMs / 60_000);
    const settled = content.keys.map((key) => keyBackups.settled(key));
    // In one transaction: a pool that dies meanwhile has the keys and the roles of the same moment.
    roles.replaceAll(content.roleDefinitions, content.roleAssignments, (changes) =>
      keys.ring.overwrite(settled, 'drop', changes),
    );
    return jobs.start('restore');
  }

  /**
   * Brings back what the pool lacks of one key; versions that it has stay as they are. The job fails when the backup does
   * not hold the key. Throws as `restore` does.
   */
  restoreKey(name: string, from: Storage, folderName: string): Job {
    const { keys } = this.#read(from, folderName);
    const found = keys.find((key) => key.name.toLowerCase() === name.toLowerCase());
    this.#parts.jobs.assertFree();
    if (found === undefined) return this.#parts.jobs.start('restore', keyNotInBackup);
    const { restored, kept } = this.#parts.keys.ring.restoreMissing(this.#parts.keyBackups.settled(found));
    const details = `Number of successful key versions restored: ${restored}, Number of key versions could not overwrite: ${kept}`;
    return this.#parts.jobs.start('restore', { details });
  }

  /** A job that only says whether a backup or restore could begin. Throws what it would throw. */
  check(kind: 'backup' | 'restore', storageOfCheck: z.output<typeof checkBackupBody>, folderName?: string): Job {
    const { storageResourceUri, ...rest } = storageOfCheck;
    if (storageResourceUri !== undefined) {
      const whole = { storageResourceUri, ...rest };
      if (folderName === undefined) assertMayUse(whole);
      else this.#read(whole, folderName);
    }
    return this.#parts.jobs.start(kind);
  }

  #content(): Content {
    const { keyBackups, roles } = this.#parts;
    const roleDefinitions = roles.definitions().filter(({ type }) => type === 'CustomRole');
    return { keys: keyBackups.snapshot(), roleDefinitions, roleAssignments: roles.assignments() };
  }

  #read(from: Storage, folderName: string): Content {
    assertMayUse(from);
    const uri = `${containerOf(from)}/${folderName}`;
    const sealed = this.#parts.records.one<string>('backupContent', uri);
    if (sealed === undefined)
      throw badParameter(`There is no backup at ${uri}; the mock knows only those it took itself`);
    try {
      return JSON.parse(this.#parts.securityDomain.seal.open(sealed, sealContext).toString()) as Content;
    } catch {
      throw badParameter(`The backup at ${uri} is of a pool with another security domain`);
    }
  }
}

function assertMayUse({ token, useManagedIdentity }: Omit<Storage, 'storageResourceUri'>): void {
  if (useManagedIdentity === true || (token != null && token !== '')) return;
  throw badParameter('A SAS token, or useManagedIdentity, is needed to reach the storage');
}

/** The container without a query and without a slash at its end. */
function containerOf({ storageResourceUri }: Storage): string {
  const { origin, pathname } = new URL(storageResourceUri);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** Year to hundredths of a second, in UTC: 2021042821173942. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\D/g, '').slice(0, 16);
}
