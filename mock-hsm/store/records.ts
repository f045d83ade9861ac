// Rows on disk: (kind, id) -> JSON. Knows nothing of what the rows mean.
import { DatabaseSync } from 'node:sqlite';

export type RecordKind = 'setting' | 'directoryEntry' | 'key' | 'keyVersion' | 'roleDefinition' | 'roleAssignment';

/** One row to write, or to delete when `body` is undefined. */
export interface Change {
  readonly kind: RecordKind;
  readonly id: string;
  readonly body: unknown;
}

export interface Records {
  /** All bodies of a kind, as they were written. */
  all<Body>(kind: RecordKind): Body[];
  /** Writes all changes or none; when it returns they survive the death of the process. */
  apply(changes: readonly Change[]): void;
  close(): void;
}

const layout = `
  CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id))
  WITHOUT ROWID`;

/**
 * Opens or makes the database file (`:memory:` for none).
 *
 * The exclusive lock is taken at once and falls with the process, so a second process on the same file is refused
 * and a killed one leaves nothing to clean up. Throws an error that names the file when it cannot be opened.
 */
export function openRecords(file: string): Records {
  const database = open(file);
  const select = database.prepare('SELECT body FROM record WHERE kind = ?');
  const put = database.prepare('INSERT OR REPLACE INTO record (kind, id, body) VALUES (?, ?, ?)');
  const drop = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?');
  return {
    all: <Body>(kind: RecordKind) => select.all(kind).map((row) => JSON.parse(String(row.body)) as Body),
    apply(changes) {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const { kind, id, body } of changes) {
          if (body === undefined) drop.run(kind, id);
          else put.run(kind, id, JSON.stringify(body));
        }
        database.exec('COMMIT');
      } catch (cause) {
        database.exec('ROLLBACK');
        throw new Error(`cannot write to ${file}`, { cause });
      }
    },
    close: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    database.exec(`BEGIN EXCLUSIVE; ${layout}; COMMIT`);
    return database;
  } catch (cause) {
    const locked = cause instanceof Error && cause.message.includes('locked');
    const reason = locked
      ? 'another mock-hsm is using it; stop that one or choose another --data-dir'
      : `${cause instanceof Error ? cause.message : String(cause)}; move it away to begin anew`;
    throw new Error(`cannot open ${file}: ${reason}`, { cause });
  }
}
