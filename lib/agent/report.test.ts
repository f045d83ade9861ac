import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CKR_FUNCTION_FAILED, CKR_KEY_HANDLE_INVALID } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { createMute, createReports, STRANGERS } from './report.ts';

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
      report: reports.to({ pid, uid: 33, gid: 33, connection }, process),
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
  const heard = (uid: number, process: string) => reports.to({ pid: 1, uid, gid: uid }, process)('sign', error) !== '';
  const loud = Array.from({ length: 5000 }, (_, i) => heard(1000, `${i}`));
  expect(loud.filter(Boolean)).toHaveLength(4096);
  expect(heard(33, 'a')).toBe(true);
  // Nor do many users: a table that was forgotten says a reason too often rather than never.
  for (let uid = 2000; uid < 7000; uid++) heard(uid, 'a');
  expect(heard(34, 'a')).toBe(true);
});

test('strangers fill the log of nobody who is admitted, be they of many users', () => {
  const logged: string[] = [];
  const reports = createReports({ error: (line) => logged.push(line), debug: vi.fn() }, () => 0);
  const fails = (uid: number, process: string, why: string) =>
    reports.to({ pid: 1, uid, gid: uid }, process)('sign', new Pkcs11Error(CKR_FUNCTION_FAILED, why, { hint: 'ask' }));
  for (let uid = 1000; uid < 1300; uid++) fails(uid, STRANGERS, `user ${uid} is a stranger`);
  for (let cause = 0; cause < 300; cause++) fails(34, 'a', `cause ${cause}`);
  fails(33, 'a', 'the HSM is away');
  expect(logged).toHaveLength(256 + 256 + 1);
  expect(logged.at(-1)).toMatch(/the HSM is away/);
});

test('what is counted when the agent ends is in the log', () => {
  const times: (number | undefined)[] = [];
  const log = { error: (_line: string, _caller?: unknown, nth?: number) => times.push(nth), debug: vi.fn() };
  const reports = createReports(log, () => 0);
  const report = reports.to({ pid: 1, uid: 33, gid: 33 }, 'a');
  for (let i = 0; i < 4; i++) report('sign', new Pkcs11Error(CKR_FUNCTION_FAILED, 'away', { hint: 'wait' }));
  reports.flush();
  expect(times).toEqual([1, 3]);
});

test('what is the calling program’s business is told to nobody', () => {
  const log = { error: vi.fn(), debug: vi.fn() };
  const report = createReports(log, () => 0).to({ pid: 1, uid: 33, gid: 33 }, 'a');
  expect(report('sign', new Pkcs11Error(CKR_KEY_HANDLE_INVALID, 'no key 7'))).toBe('');
  expect(log.error).not.toHaveBeenCalled();
  expect(log.debug).toHaveBeenCalledOnce();
});
