// The data folder: database and master key, or the same in memory.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRecords, type Records } from './records.ts';
import { createSeal, type Seal } from './seal.ts';

export interface Store {
  readonly records: Records;
  readonly seal: Seal;
}

/** Opens the store in `folder` (made when absent, mode 0700), or one in memory that ends with the process. */
export function openStore(folder?: string): Store {
  if (folder === undefined) return { records: openRecords(':memory:'), seal: createSeal(randomBytes(32)) };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = join(folder, 'mock-hsm.db');
  // SQLite would create it with the umask's mode, readable by others.
  if (!existsSync(database)) writeFileSync(database, '', { mode: 0o600 });
  // The lock comes first: two processes that start at once must not each make a master key.
  const records = openRecords(database);
  return { records, seal: createSeal(masterKey(join(folder, 'master.key'))) };
}

function masterKey(file: string): Buffer {
  if (existsSync(file)) return Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
  const key = randomBytes(32);
  writeFileAtomically(file, `${key.toString('base64url')}\n`, 0o600);
  return key;
}

/** Writes beside and renames, so that a reader or a crash sees the old file or the new one, never half. */
export function writeFileAtomically(file: string, text: string, mode: number): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}
