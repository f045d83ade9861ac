import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLog, logFileName } from './log.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mhsm-log-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

const flags = { SendToFile: true, SendToStdOut: false, SendToStdErr: false, IncludeProcessId: true };
const module = { FunctionLevelTrace: false, P11Interfaces: false };
const settings = () => ({ directory, flags, module });

function written(): { msg: string }[] {
  const [file = ''] = readdirSync(directory);
  const lines = readFileSync(join(directory, file), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { msg: string });
}

test('the log file has the name that the closed library gives it', () => {
  expect(logFileName(4711, new Date(2026, 0, 2, 3, 4, 5))).toBe('MHSM-PKCS11-4711-20260102-030405.log');
});

test('lines go to a file that others cannot read', () => {
  const log = createLog(settings());
  log.error('the HSM is away');
  log.debug('signInit');
  expect(written()).toMatchObject([{ msg: 'the HSM is away', pid: process.pid, level: 50 }]);
  const [file = ''] = readdirSync(directory);
  expect(statSync(join(directory, file)).mode & 0o007).toBe(0);
});

test.each(['FunctionLevelTrace', 'P11Interfaces'])('%s brings the debug lines', (flag) => {
  createLog({ ...settings(), module: { ...module, [flag]: true } }).debug('signInit');
  expect(written()).toMatchObject([{ msg: 'signInit', level: 20 }]);
});

test('nothing is written anywhere when no flag says where', () => {
  createLog({ ...settings(), flags: { ...flags, SendToFile: false } }).error('unheard');
  expect(readdirSync(directory)).toEqual([]);
});

test.each([
  ['a token', 'got eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJ4In0.c2ln back', 'got [token] back'],
  ['a header', 'authorization: Bearer abcdefgh12345678', 'authorization: Bearer [token]'],
  ['a form', 'client_id=a&client_secret=p%3Aw&x=y', 'client_id=a&client_secret=[secret]&x=y'],
  ['a configuration', '{"clientSecret": "p:w", "x": 1}', '{"clientSecret": "[secret]", "x": 1}'],
])('the secret in %s does not get into the log', (_where, line, expected) => {
  createLog(settings()).error(line);
  expect(written()).toMatchObject([{ msg: expected }]);
});

describe('a destination that fails is told once, and the process goes on', () => {
  test('a folder that cannot be made', () => {
    writeFileSync(join(directory, 'file'), '');
    const warnings: string[] = [];
    const log = createLog(
      { ...settings(), directory: join(directory, 'file/logs') },
      { warn: (it) => warnings.push(it) },
    );
    log.error('unheard');
    expect(warnings).toEqual([expect.stringMatching(/^mhsm-pkcs11: there is no log in .*file\/logs: ENOTDIR/)]);
  });

  test('a full disk', () => {
    const warnings: string[] = [];
    const open = () => openSync('/dev/full', 'w');
    const log = createLog(settings(), { open, warn: (it) => warnings.push(it) });
    for (let i = 0; i < 3; i++) log.error('unheard');
    expect(warnings).toEqual([expect.stringMatching(/log lines to .*MHSM-PKCS11.* are lost: ENOSPC/)]);
  });

  test('a symbolic link in the place of the file is not followed', () => {
    vi.useFakeTimers({ now: new Date(2026, 0, 2, 3, 4, 5) });
    const elsewhere = join(directory, 'elsewhere');
    writeFileSync(elsewhere, '');
    symlinkSync(elsewhere, join(directory, logFileName(process.pid, new Date())));
    const warnings: string[] = [];
    createLog(settings(), { warn: (it) => warnings.push(it) }).error('unheard');
    expect(readFileSync(elsewhere, 'utf8')).toBe('');
    expect(warnings).toEqual([expect.stringMatching(/ELOOP/)]);
  });
});
