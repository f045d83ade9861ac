import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
