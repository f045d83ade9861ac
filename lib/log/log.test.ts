import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, logFileName } from './log.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mhsm-log-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const flags = { SendToFile: true, SendToStdOut: false, SendToStdErr: false, IncludeProcessId: true };
const settings = () => ({ directory, flags, module: { FunctionLevelTrace: false } });

test('the log file has the name that the closed library gives it', () => {
  expect(logFileName(4711, new Date(2026, 0, 2, 3, 4, 5))).toBe('MHSM-PKCS11-4711-20260102-030405.log');
});

test('lines go to a file, debug lines only with FunctionLevelTrace', () => {
  const log = createLog(settings());
  log.error('the HSM is away');
  log.debug('signInit');
  const [file = ''] = readdirSync(directory);
  const lines = readFileSync(join(directory, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject([{ msg: 'the HSM is away', pid: process.pid, level: 50 }]);
});

test('nothing is written anywhere when no flag says where', () => {
  createLog({ ...settings(), flags: { ...flags, SendToFile: false } }).error('unheard');
  expect(readdirSync(directory)).toEqual([]);
});

test('a folder that cannot be made is named', () => {
  writeFileSync(join(directory, 'file'), '');
  expect(() => createLog({ ...settings(), directory: join(directory, 'file/logs') })).toThrow(/file\/logs/);
});
