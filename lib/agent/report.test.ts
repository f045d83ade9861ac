import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CKR_FUNCTION_FAILED, CKR_KEY_HANDLE_INVALID } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { createMute, createReports } from './report.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a line is said once a second, and 256 different ones at most', () => {
  let nowMs = 0;
  const isMuted = createMute(() => nowMs);
  const said = () => Array.from({ length: 300 }, (_, i) => isMuted(`line ${i}`)).filter((muted) => !muted).length;
  expect([said(), said()]).toEqual([256, 0]);
  nowMs = 999;
  expect(said()).toBe(0);
  nowMs = 1000;
  expect([said(), said()]).toEqual([256, 0]);
});

test('of an overload each process hears once a second, and the log once a second for all of them', () => {
  const logged: [string, number | undefined][] = [];
  const log = {
    error: (line: string, _caller?: unknown, times?: number) => logged.push([line, times]),
    debug: vi.fn(),
  };
  const reports = createReports(log, () => Date.now());
  const processes = ['a', 'b', 'c'].flatMap((process, pid) =>
    Array.from({ length: 10 }, (_, connection) => ({
      process,
      report: reports({ pid, uid: 33, gid: 33, connection }, process),
    })),
  );
  const error = new Pkcs11Error(CKR_FUNCTION_FAILED, 'too many wait', { hint: 'come later' });
  for (let second = 0; second < 3; second++) {
    const told = processes.filter(({ report }) => report('sign', error) !== '').map(({ process }) => process);
    expect(told).toEqual(['a', 'b', 'c']);
    vi.advanceTimersByTime(1000);
  }
  expect(logged.map(([, times]) => times)).toEqual([1, 29, 30, 30]);
  expect(new Set(logged.map(([line]) => line))).toEqual(new Set([`sign: ${error.line}`]));
});

test('whatever the processes of a user hear, those of another hear theirs', () => {
  const reports = createReports({ error: vi.fn(), debug: vi.fn() }, () => 0);
  const error = new Pkcs11Error(CKR_FUNCTION_FAILED, 'too many wait', { hint: 'come later' });
  const heard = (uid: number, process: string) => reports({ pid: 1, uid, gid: uid }, process)('sign', error) !== '';
  const loud = Array.from({ length: 5000 }, (_, i) => heard(1000, `${i}`));
  expect(loud.filter(Boolean)).toHaveLength(4096);
  expect(heard(33, 'a')).toBe(true);
  // Nor do many users: a table that was forgotten says a reason too often rather than never.
  for (let uid = 2000; uid < 7000; uid++) heard(uid, 'a');
  expect(heard(34, 'a')).toBe(true);
});

test('what is the calling program’s business is told to nobody', () => {
  const log = { error: vi.fn(), debug: vi.fn() };
  const report = createReports(log, () => 0)({ pid: 1, uid: 33, gid: 33 }, 'a');
  expect(report('sign', new Pkcs11Error(CKR_KEY_HANDLE_INVALID, 'no key 7'))).toBe('');
  expect(log.error).not.toHaveBeenCalled();
  expect(log.debug).toHaveBeenCalledOnce();
});
