// Rows on disk: (kind, id) -> JSON. Knows nothing of what the rows mean.
import { DatabaseSync } from 'node:sqlite';
import { StoreError, storeError } from './store-error.ts';

export type RecordKind =
  | 'setting'
  | 'directoryEntry'
  | 'key'
  | 'keyVersion'
  | 'backup'
  | 'backupContent'
  | 'roleDefinition'
  | 'roleAssignment';

/** One row to write, or to delete when `body` is undefined. */
export interface Change {
  readonly kind: RecordKind;
  readonly id: string;
  readonly body: unknown;
}

export interface Records {
  /** All bodies of a kind, as they were written. */
  all<Body>(kind: RecordKind): Body[];
  /** The body of one row, if it is there. */
  one<Body>(kind: RecordKind, id: string): Body | undefined;
  /** Writes all changes or none; when it returns they survive the death of the process. */
  apply(changes: readonly Change[]): void;
  close(): void;
}

/** Each brings the database from the layout before it to the next; its number is how many were done. */
const migrations = [
  `CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id))
   WITHOUT ROWID`,
  // What a backup of the pool holds is large, and lies beside what is known of it.
  `INSERT INTO record SELECT 'backupContent', id, json_quote(json_extract(body, '$.sealed')) FROM record
   WHERE kind = 'backup';
   UPDATE record SET body = json_remove(body, '$.sealed') WHERE kind = 'backup'`,
];

/**
 * Opens or makes the database file (`:memory:` for none).
 *
 * The exclusive lock is taken at once and falls with the process, so a second process on the same file is refused
 * and a killed one leaves nothing to clean up. All functions throw a StoreError that names the file.
 */
export function openRecords(file: string): Records {
  const database = open(file);
  const select = database.prepare('SELECT body FROM record WHERE kind = ?');
  const selectOne = database.prepare('SELECT body FROM record WHERE kind = ? AND id = ?');
  const put = database.prepare('INSERT OR REPLACE INTO record (kind, id, body) VALUES (?, ?, ?)');
  const drop = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?');
  const write = ({ kind, id, body }: Change) =>
    body === undefined ? drop.run(kind, id) : put.run(kind, id, JSON.stringify(body));
  return {
    all<Body>(kind: RecordKind) {
      try {
        return select.all(kind).map((row) => JSON.parse(String(row.body)) as Body);
      } catch (cause) {
        throw storeError(`cannot read ${kind} from ${file}`, cause);
      }
    },
    one<Body>(kind: RecordKind, id: string) {
      try {
        const row = selectOne.get(kind, id);
        return row === undefined ? undefined : (JSON.parse(String(row.body)) as Body);
      } catch (cause) {
        throw storeError(`cannot read ${kind} from ${file}`, cause);
      }
    },
    apply(changes) {
      try {
        inTransaction(database, () => changes.forEach(write));
      } catch (cause) {
        throw storeError(`cannot write to ${file}`, cause);
      }
    },
    close: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file);
    // In WAL mode a commit is in the operating system's hands when it returns, and so outlives the process.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    inTransaction(database, () => migrate(database));
    return database;
  } catch (cause) {
    throw cause instanceof StoreError ? cause : storeError(`cannot open ${file}`, cause);
  }
}

function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version > migrations.length) {
    const known = `its layout is ${version}, and this mock-hsm knows none above ${migrations.length}`;
    throw new StoreError(`cannot open ${database.location()}: ${known}; use the newer mock-hsm that wrote it`);
  }
  for (const migration of migrations.slice(version)) database.exec(migration);
  database.exec(`PRAGMA user_version = ${migrations.length}`);
}

function inTransaction(database: DatabaseSync, action: () => void): void {
  database.exec('BEGIN EXCLUSIVE');
  try {
    action();
    database.exec('COMMIT');
  } catch (error) {
    // A full disk has ended the transaction by itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
