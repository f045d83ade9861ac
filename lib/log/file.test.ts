import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogFile, type LogFileOptions } from './file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mhsm-log-'));
  path = join(directory, 'agent.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (options: Partial<LogFileOptions> = {}) =>
  new LogFile({ path, head: () => '', closeAfterWrite: false, owner: undefined, warn: () => undefined, ...options });

describe('a log file whose name somebody took before', () => {
  test('goes on where it is a file', () => {
    writeFileSync(path, 'before\n');
    open().write('after\n');
    expect(readFileSync(path, 'utf8')).toBe('before\nafter\n');
  });

  test.each([
    ['hard', linkSync, /has another name as well/],
    ['symbolic', symlinkSync, /ELOOP/],
  ])('is refused where it is a %s link, and what it leads to stays as it is', (_kind, link, reason) => {
    const target = join(directory, 'shadow');
    writeFileSync(target, 'root:x\n');
    link(target, path);
    expect(() => open({ head: () => 'head\n' })).toThrow(reason);
    expect(readFileSync(target, 'utf8')).toBe('root:x\n');
  });

  test('is refused where it is a pipe, whether or not somebody reads it', () => {
    execFileSync('mkfifo', [path]);
    expect(() => open()).toThrow(/ENXIO/);
    // Opened for both ends, a pipe does not wait for the other.
    const reader = openSync(path, 'r+');
    expect(() => open()).toThrow(/is no regular file/);
    closeSync(reader);
  });
});

describe.runIf(process.getuid?.() === 0)('as root', () => {
  const owner = { uid: 65_534, gid: 65_534 };

  test('a file made now belongs to the user that the process will be', () => {
    open({ owner });
    expect(statSync(path)).toMatchObject(owner);
  });

  test('a file that was there keeps its owner', () => {
    writeFileSync(path, '');
    open({ owner });
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 0 });
  });
});
