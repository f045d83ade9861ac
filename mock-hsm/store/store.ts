// The data folder: database and master key, or the same in memory.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRecords, type Records } from './records.ts';
import { createSeal, type Seal } from './seal.ts';
import { StoreError, storeError } from './store-error.ts';

export interface Store {
  readonly records: Records;
  readonly seal: Seal;
}

/**
 * Opens the store in `folder` (made when absent, mode 0700), or one in memory that ends with the process.
 *
 * Throws a StoreError with one clear line when the folder cannot be used.
 */
export function openStore(folder?: string): Store {
  if (folder === undefined) return { records: openRecords(':memory:'), seal: createSeal(randomBytes(32)) };
  const database = join(folder, 'mock-hsm.db');
  inFolder(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // SQLite would create it with the umask's mode, readable by others.
    if (existsSync(database)) keepPrivate(database);
    else writeFileSync(database, '', { mode: 0o600 });
  });
  // The lock comes first: two processes that start at once must not each make a master key.
  const records = openRecords(database);
  try {
    const file = join(folder, 'master.key');
    return { records, seal: createSeal(inFolder(folder, () => masterKey(file, records))) };
  } catch (error) {
    records.close();
    throw error;
  }
}

function inFolder<Result>(folder: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw storeError(`cannot use the data folder ${folder}`, cause);
  }
}

const masterKeyBytes = 32;
const cureForKey = 'the keys in the database are encrypted under it: put the right one back, or move the folder away';

/** Reads the key, or makes it for a new database; a key that the database was not written under is refused. */
function masterKey(file: string, records: Records): Buffer {
  const witness = records.all<Witness>('setting').find(({ name }) => name === witnessName);
  if (!existsSync(file)) {
    if (witness !== undefined) throw new StoreError(`${file} is missing, and ${cureForKey}`);
    writeFileAtomically(file, `${randomBytes(masterKeyBytes).toString('base64url')}\n`, 0o600);
  }
  keepPrivate(file);
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
  if (key.length !== masterKeyBytes) throw new StoreError(`${file} holds no key of 32 bytes, and ${cureForKey}`);
  if (witness === undefined) records.apply([{ kind: 'setting', id: witnessName, body: witnessOf(key) }]);
  else if (!opens(key, witness)) throw new StoreError(`${file} is the key of another database, and ${cureForKey}`);
  return key;
}

/** A row that tells whether a master key is the one of this database. */
interface Witness {
  readonly name: string;
  readonly sealed: string;
}

const witnessName = 'masterKeyWitness';

const witnessOf = (key: Buffer): Witness => ({
  name: witnessName,
  sealed: createSeal(key).close(new Uint8Array(), witnessName),
});

function opens(key: Buffer, { sealed }: Witness): boolean {
  try {
    createSeal(key).open(sealed, witnessName);
    return true;
  } catch {
    return false;
  }
}

/** A copied folder may have come with wider rights. */
function keepPrivate(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o077) !== 0) chmodSync(file, mode & 0o700);
}

/** Writes beside and renames, so that a reader or a crash sees the old file or the new one, never half. */
export function writeFileAtomically(file: string, text: string, mode: number): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}
