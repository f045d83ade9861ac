import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptTicketKey } from './ticket-key.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-ticket-key-'));
  file = join(folder, 'ticket-key');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a key is made once, for its owner alone, and found again', () => {
  const key = keptTicketKey(folder);
  expect(key).toHaveLength(32);
  expect(keptTicketKey(folder)).toEqual(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['ticket-key']);
});

test.each([
  ['before the key was there', () => rmSync(file)],
  ['after it', () => undefined],
])('what an agent left that was killed %s hinders no other, whatever its process id, and goes', (_when, prepare) => {
  const key = keptTicketKey(folder);
  prepare();
  for (const end of [process.pid, '0123456789abcdef'])
    writeFileSync(`${file}.${end}`, Buffer.alloc(3), { mode: 0o600 });
  expect(keptTicketKey(folder)).toHaveLength(key.length);
  expect(readdirSync(folder)).toEqual(['ticket-key']);
});

test('agents that start at once have one key', async () => {
  const program = `
    import { keptTicketKey } from '${join(import.meta.dirname, 'ticket-key.ts')}';
    console.log(Buffer.from(keptTicketKey('${folder}')).toString('hex'));`;
  const run = promisify(execFile);
  const agents = Array.from({ length: 4 }, () => run(execPath, ['--input-type=module', '-e', program]));
  const keys = (await Promise.all(agents)).map(({ stdout }) => stdout.trim());
  expect(new Set(keys)).toEqual(new Set([Buffer.from(keptTicketKey(folder)).toString('hex')]));
  expect(readdirSync(folder)).toEqual(['ticket-key']);
});

test.each([
  ['that others may read', () => chmodSync(file, 0o640)],
  ['of another length', () => writeFileSync(file, 'short', { mode: 0o600 })],
  [
    'behind a link',
    () => {
      rmSync(file);
      writeFileSync(join(folder, 'elsewhere'), Buffer.alloc(32), { mode: 0o600 });
      symlinkSync(join(folder, 'elsewhere'), file);
    },
  ],
])('a key %s is none', (_what, spoil) => {
  keptTicketKey(folder);
  spoil();
  expect(() => keptTicketKey(folder)).toThrow(/remove it|ELOOP/);
});
