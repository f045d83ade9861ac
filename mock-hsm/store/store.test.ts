import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keptSetting } from './settings.ts';
import { openStore, type Store } from './store.ts';
import { StoreError } from './store-error.ts';

const work = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
const opened: Store[] = [];
let folder: string;
let count = 0;

const open = (where = folder): Store => {
  const store = openStore(where);
  opened.push(store);
  return store;
};

const close = (store: Store) => {
  opened.splice(opened.indexOf(store), 1);
  store.records.close();
};

/** A folder with one kept secret. */
async function fill(): Promise<void> {
  const store = open();
  expect(await keptSetting(store, 'secret', () => 'kept')).toBe('kept');
  close(store);
}

const refusal = (where = folder): StoreError => {
  try {
    open(where);
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error(`${where} was opened`);
};

beforeEach(() => {
  count += 1;
  folder = join(work, String(count));
});

afterEach(() => {
  for (const store of opened.splice(0)) store.records.close();
});

afterAll(() => rmSync(work, { recursive: true }));

test('what was written is read again', async () => {
  await fill();
  expect(await keptSetting(open(), 'secret', () => 'made anew')).toBe('kept');
});

test('changes are applied together or not at all', () => {
  const { records } = open();
  const circle: Record<string, unknown> = {};
  circle.itself = circle;
  const good = { kind: 'key', id: 'a', body: { name: 'a' } } as const;
  expect(() => records.apply([good, { kind: 'key', id: 'b', body: circle }])).toThrow(StoreError);
  expect(records.all('key')).toEqual([]);
  records.apply([good]);
  expect(records.all('key')).toEqual([{ name: 'a' }]);
});

test('whatever the umask, folder and files are for their owner alone', async () => {
  const umask = process.umask(0);
  try {
    const store = open();
    await keptSetting(store, 'secret', () => 'kept');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const modes = readdirSync(folder).map((file) => [file, statSync(join(folder, file)).mode & 0o777]);
    expect(Object.fromEntries(modes)).toEqual({
      'master.key': 0o600,
      'mock-hsm.db': 0o600,
      'mock-hsm.db-wal': 0o600,
    });
  } finally {
    process.umask(umask);
  }
});

test('rights that a copy has widened are taken back', async () => {
  await fill();
  const files = ['master.key', 'mock-hsm.db'].map((file) => join(folder, file));
  for (const file of files) chmodSync(file, 0o644);
  open();
  expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
});

describe('one clear line says what is wrong with the folder', () => {
  test('when another holds it', () => {
    open();
    expect(refusal().message).toMatch(
      /^cannot open \S+mock-hsm\.db: another mock-hsm is using it; stop that one or choose another --data-dir \(.*\)$/,
    );
  });

  test('when its path leads through a file', () => {
    writeFileSync(folder, '');
    expect(refusal(join(folder, 'below')).message).toMatch(
      /^cannot use the data folder \S+: its path leads through a file/,
    );
  });

  test('when the database is a folder', () => {
    mkdirSync(join(folder, 'mock-hsm.db'), { recursive: true });
    expect(refusal().message).toMatch(/^cannot open \S+mock-hsm\.db: it is not accessible; give the user/);
  });

  test('when the database is something else', () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'mock-hsm.db'), randomBytes(8192));
    expect(refusal().message).toContain('it is not a database; move it away to begin anew');
  });

  test('when the database is cut short', async () => {
    const store = open();
    store.records.apply(
      Array.from({ length: 500 }, (_, i) => ({ kind: 'key', id: `k${i}`, body: { name: 'n'.repeat(100) } }) as const),
    );
    close(store);
    truncateSync(join(folder, 'mock-hsm.db'), 20_480);
    expect(() => open().records.all('key')).toThrow(/it is damaged; put a copy back/);
  });

  test('when the database has a newer layout', async () => {
    await fill();
    const database = new DatabaseSync(join(folder, 'mock-hsm.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(refusal().message).toContain('its layout is 99');
  });

  test('when the master key is missing', async () => {
    await fill();
    rmSync(join(folder, 'master.key'));
    expect(refusal().message).toMatch(/master\.key is missing, and the keys in the database are encrypted under it/);
    expect(readdirSync(folder)).not.toContain('master.key');
  });

  test('when the master key is another one, or none', async () => {
    await fill();
    const key = join(folder, 'master.key');
    copyFileSync(key, join(folder, 'right.key'));
    writeFileSync(key, `${randomBytes(32).toString('base64url')}\n`);
    expect(refusal().message).toContain('is the key of another database');
    writeFileSync(key, 'abc\n');
    expect(refusal().message).toContain('holds no key of 32 bytes');
    copyFileSync(join(folder, 'right.key'), key);
    expect(await keptSetting(open(), 'secret', () => 'made anew')).toBe('kept');
  });

  test('when the user may not write it', async () => {
    await fill();
    for (const file of ['mock-hsm.db', 'master.key']) chmodSync(join(folder, file), 0o444);
    chmodSync(folder, 0o555);
    chmodSync(work, 0o755);
    const message = asOrdinaryUser(() => refusal().message);
    expect(message).toMatch(/^cannot (open|use) .*; give the user who runs mock-hsm the right to read and write/);
    chmodSync(folder, 0o700);
  });
});

/** The superuser's writes are never refused. */
function asOrdinaryUser<Result>(action: () => Result): Result {
  if (process.getuid?.() !== 0) return action();
  process.seteuid?.(65_534);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
  }
}
