import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRecords } from './records.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

test('one row is read by its id, and undefined when it is not there', () => {
  const records = openRecords(':memory:');
  records.apply([{ kind: 'key', id: 'a', body: { name: 'A' } }]);
  expect(records.one('key', 'a')).toEqual({ name: 'A' });
  expect(records.one('key', 'b')).toBeUndefined();
  expect(records.one('keyVersion', 'a')).toBeUndefined();
});

test('a database of the first layout keeps its backups, their content apart', () => {
  const file = join(folder, 'mock-hsm.db');
  const old = new DatabaseSync(file);
  old.exec(`CREATE TABLE record (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id))
    WITHOUT ROWID; PRAGMA user_version = 1`);
  const put = old.prepare('INSERT INTO record VALUES (?, ?, ?)');
  put.run('backup', 'https://there', JSON.stringify({ uri: 'https://there', takenMs: 5, sealed: 'a-b_c' }));
  put.run('key', 'k', JSON.stringify({ name: 'k' }));
  old.close();
  const records = openRecords(file);
  expect(records.all('backup')).toEqual([{ uri: 'https://there', takenMs: 5 }]);
  expect(records.one('backupContent', 'https://there')).toBe('a-b_c');
  expect(records.all('key')).toEqual([{ name: 'k' }]);
  records.close();
});
