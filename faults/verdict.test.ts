import { describe, expect, test } from 'vitest';
import type { Bound } from './fault.ts';
import { ALLOWANCES, longestWaitMs, type Observed, violations } from './verdict.ts';

const ALLOWANCE = ALLOWANCES.whole;
const STRICT: Bound = { failed: 'none', wait: 'moments', established: 'go on' };
const FINE: Observed = {
  times: 3,
  failed: 0,
  cut: 0,
  failuresMs: [],
  slowestMs: 20,
  establishedEnded: 0,
  establishedSilent: 0,
  establishedSlowestMs: 20,
  logLine: 'cannot reach the HSM',
  logGoesOn: true,
};

const found = (bound: Partial<Bound>, seen: Partial<Observed>) =>
  violations({ ...STRICT, ...bound }, { ...FINE, ...seen }, ALLOWANCE);

test('what was seen within the bound violates nothing', () => {
  expect(found({}, {})).toEqual([]);
});

describe('handshakes that fail', () => {
  test.each([
    ['none', 1, 1],
    [{ eachTime: 2 }, 6, 0],
    [{ eachTime: 2 }, 7, 1],
    ['while it lasts', 5000, 0],
  ] as const)('where %j may in three times, %d are %d violations', (failed, count, expected) => {
    expect(found({ failed }, { failed: count })).toHaveLength(expected);
  });

  test('are as many as its connections may where it cuts them', () => {
    expect(found({ failed: 'those it cut' }, { failed: 3, cut: 3 })).toEqual([]);
    expect(found({ failed: 'those it cut' }, { failed: 4, cut: 3 })).toEqual(['4 handshakes failed, at most 3 may']);
  });

  test('long after the end of the fault are a violation whatever may fail while it lasts', () => {
    const { recoveryMs } = ALLOWANCE;
    const failuresMs = [-8000, 10, recoveryMs, recoveryMs + 1];
    expect(found({ failed: 'while it lasts' }, { failed: 4, failuresMs })).toEqual([
      '1 handshakes failed after it should have recovered',
    ]);
    expect(found({ failed: 'while it lasts', recoveryMs: recoveryMs + 1 }, { failed: 4, failuresMs })).toEqual([]);
  });
});

describe('waiting', () => {
  test.each(['moments', 'deadline'] as const)('longer than "%s" is a violation', (wait) => {
    const longestMs = longestWaitMs(wait, ALLOWANCE);
    expect(found({ wait }, { slowestMs: longestMs, establishedSlowestMs: longestMs })).toEqual([]);
    expect(found({ wait }, { slowestMs: longestMs + 1, establishedSlowestMs: longestMs + 1 })).toHaveLength(2);
  });
});

test('established sessions that end are a violation unless the server ends them with their worker', () => {
  expect(found({}, { establishedEnded: 1 })).toEqual(['1 established sessions ended']);
  expect(found({ established: 'end with their worker' }, { establishedEnded: 1 })).toEqual([]);
});

test('an established session that is open and gets no answer any more is a violation, whoever may end it', () => {
  expect(found({}, { establishedSilent: 1 })).toEqual(['1 established sessions are open and not answered']);
  expect(found({ established: 'end with their worker' }, { establishedSilent: 1 })).toHaveLength(1);
});

test('a log that does not go on when the fault is over is a violation', () => {
  expect(found({}, { logGoesOn: false })).toEqual(['the logs do not go on when it is over']);
});

test('a log that says nothing is a violation', () => {
  expect(found({}, { logLine: undefined })).toEqual(['the logs do not say what happened']);
  expect(found({ failed: 'while it lasts' }, { failed: 1, logLine: undefined })).toHaveLength(1);
});

test('a log that says nothing is none where nothing failed that might have', () => {
  expect(found({ failed: 'while it lasts' }, { logLine: undefined })).toEqual([]);
});
