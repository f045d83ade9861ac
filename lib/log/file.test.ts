import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
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

describe('a disk that is full', () => {
  let full: boolean;
  let nowMs: number;
  let warnings: string[];
  beforeEach(() => {
    full = false;
    nowMs = 0;
    warnings = [];
  });

  /** Closes after each line, so that each opens the disk as it is by then. */
  const logging = () => {
    const log = open({
      closeAfterWrite: true,
      open: () => openSync(full ? '/dev/full' : path, 'a'),
      nowMs: () => nowMs,
      warn: (line) => warnings.push(line),
    });
    log.write('');
    return log;
  };
  const lost = expect.stringMatching(/log lines to .*agent\.log are lost: ENOSPC/);
  const again = (count: number) =>
    expect.stringMatching(`log lines to .*agent\\.log are written again; ${count} were lost`);

  test('is told at its first line, and how many were lost when there is room again; the next time, too', () => {
    const log = logging();
    for (const count of [3, 1]) {
      full = true;
      for (let nth = 0; nth < count; nth++) log.write('unheard\n');
      full = false;
      nowMs += 1000;
      log.write('heard\n');
    }
    expect(warnings).toEqual([lost, again(3), lost, again(1)]);
    expect(readFileSync(path, 'utf8')).toBe('heard\nheard\n');
  });

  test('for some lines and not for others is told once, until none was lost for a second', () => {
    const log = logging();
    for (let nth = 0; nth < 10; nth++) {
      full = nth % 2 === 0;
      log.write('line\n');
      nowMs += 100;
    }
    expect(warnings).toEqual([lost]);
    nowMs += 1000;
    log.write('heard\n');
    expect(warnings).toEqual([lost, again(5)]);
  });

  test('in the middle of a line costs that line alone', () => {
    const outcomes = [4, new Error('ENOSPC')];
    const write = (fd: number, bytes: Buffer, from: number) => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return writeSync(fd, bytes, from, outcome);
    };
    const log = open({ write, warn: (line) => warnings.push(line), nowMs: () => nowMs });
    log.write('cut off\n');
    log.write('whole\n');
    expect(readFileSync(path, 'utf8')).toBe('cut \nwhole\n');
  });
});

test('a moved file that cannot be replaced goes on, which is said once and again after the next move', () => {
  const warnings: string[] = [];
  let refused = false;
  const log = open({
    open: () => {
      if (refused) throw new Error('EACCES');
      return openSync(path, 'a');
    },
    warn: (line) => warnings.push(line),
  });
  for (let move = 0; move < 2; move++) {
    refused = true;
    renameSync(path, join(directory, `moved-${move}`));
    log.write('one\n');
    log.write('two\n');
    expect(readFileSync(join(directory, `moved-${move}`), 'utf8')).toBe('one\ntwo\n');
    refused = false;
    log.write('');
  }
  const stays = expect.stringMatching(
    /log lines go on into the file that was moved: .*agent\.log cannot be opened: EACCES/,
  );
  expect(warnings).toEqual([stays, stays]);
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
