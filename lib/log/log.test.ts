import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
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

const flags = {
  CloseFileAfterWrite: false,
  SendToFile: true,
  SendToStdOut: false,
  SendToStdErr: false,
  IncludeProcessId: true,
  IncludeThreadId: false,
};
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

test('a line about a call names the process that made it, and its connection', () => {
  const log = createLog({ ...settings(), flags: { ...flags, IncludeThreadId: true } });
  log.error('no key 7', { pid: 4711, connection: 3 });
  log.error('the HSM is away');
  expect(written()).toMatchObject([{ pid: 4711, connection: 3 }, { pid: process.pid }]);
});

test('a line that stands for several says for how many', () => {
  const log = createLog(settings());
  log.error('too many wait', { pid: 4711 }, 1);
  log.error('too many wait', undefined, 29);
  const [first, second] = written();
  expect(first).not.toHaveProperty('times');
  expect(second).toMatchObject({ msg: 'too many wait', times: 29 });
});

describe('the file', () => {
  const head = { line: 'mhsm-pkcs11 1.2.3', values: { configuration: { SendToFile: 1 } } };
  const path = () => join(directory, readdirSync(directory).find((name) => name.endsWith('.log')) ?? '');

  test('begins with its head', () => {
    createLog(settings(), { head }).info('hello');
    expect(written()).toMatchObject([{ msg: 'mhsm-pkcs11 1.2.3', configuration: { SendToFile: 1 } }, { msg: 'hello' }]);
  });

  test.each([false, true])('is made anew, with its head, when it was moved (CloseFileAfterWrite: %s)', (close) => {
    const log = createLog({ ...settings(), flags: { ...flags, CloseFileAfterWrite: close } }, { head });
    log.info('before');
    renameSync(path(), join(directory, 'rotated'));
    log.info('after');
    expect(readFileSync(join(directory, 'rotated'), 'utf8')).toMatch(/before[^\n]*\n$/);
    expect(written()).toMatchObject([{ msg: 'mhsm-pkcs11 1.2.3' }, { msg: 'after' }]);
  });

  test('goes on where it was moved when no new one can be made, and that is told once', () => {
    const warnings: string[] = [];
    let opened = 0;
    const open = (file: string) => {
      if (opened++ > 0) throw new Error('EACCES: permission denied');
      return openSync(file, 'a');
    };
    const log = createLog(settings(), { open, warn: (line) => warnings.push(line) });
    renameSync(path(), join(directory, 'rotated'));
    log.info('one');
    log.info('two');
    expect(readFileSync(join(directory, 'rotated'), 'utf8')).toMatch(/one[\s\S]*two/);
    expect(warnings).toEqual([expect.stringMatching(/EACCES/)]);
  });

  test.each([
    [false, 1],
    [true, 0],
  ])('is open between lines unless CloseFileAfterWrite is %s', (close, descriptors) => {
    const log = createLog({ ...settings(), flags: { ...flags, CloseFileAfterWrite: close } });
    log.info('one');
    const open = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
      } catch {
        return false;
      }
    });
    expect(open).toHaveLength(descriptors);
  });
});

test('no text makes a second line, or acts on a terminal', () => {
  const texts = fc.string({ unit: 'binary' });
  const log = createLog(settings());
  const said: string[] = [];
  fc.assert(
    fc.property(texts, (text) => {
      said.push(text);
      log.info(text);
    }),
    { examples: [['a\n{"msg":"forged"}'], ['\u001b[31m'], ['\u009b31m'], ['\u2028'], ['\u202e']] },
  );
  const [file = ''] = readdirSync(directory);
  const whole = readFileSync(join(directory, file), 'utf8');
  expect(whole.split('\n')).toHaveLength(said.length + 1);
  expect(whole.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
  expect(written().map(({ msg }) => msg)).toEqual(said.map((text) => text));
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
