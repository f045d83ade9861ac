import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeUpResult } from './made-up-result.ts';
import { RULES } from './plan/repetition.ts';
import { readResult, refuseUnfinished, resultFile, resumed, writeResult } from './result-file.ts';

const made = madeUpResult(['P-256']);
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-result-'));
  file = resultFile(join(folder, 'made', 'by the first write'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what is written reads back, with nothing left beside it', () => {
  writeResult(file, made);
  expect(readResult(file)).toEqual(made);
  expect(readdirSync(join(file, '..'))).toEqual(['result.json']);
});

test('there is nothing to read before the first write', () => {
  expect(existsSync(file)).toBe(false);
  expect(readResult(file)).toBeUndefined();
});

test('a file of something else is refused, and named', () => {
  writeFileSync(join(folder, 'result.json'), '{"version":1}');
  expect(() => readResult(join(folder, 'result.json'))).toThrow(/result\.json is no result.*/);
});

describe('what a new run would write over', () => {
  const unfinished = { ...made, finishedAt: null };

  test('is kept where a run did not finish, and the ways on are said', () => {
    writeResult(file, unfinished);
    expect(() => refuseUnfinished(file)).toThrow(
      `${file} is of a run that did not finish, with ${made.measurements.length} points: go on with it by --resume, give another --out, or remove it`,
    );
    writeResult(file, { ...unfinished, hsm: 'real' });
    expect(() => refuseUnfinished(file)).toThrow(/points: give another --out, or remove it$/);
  });

  test('is nothing where there is no result, a finished one, or one without a point', () => {
    expect(() => refuseUnfinished(file)).not.toThrow();
    for (const replaced of [
      { ...made, finishedAt: '2030-01-01T00:00:00Z' },
      { ...unfinished, measurements: [] },
    ]) {
      writeResult(file, replaced);
      expect(() => refuseUnfinished(file)).not.toThrow();
    }
  });
});

describe('a run goes on', () => {
  const now = { ...made, measurements: [], startedAt: '2030-01-01T00:00:00Z', finishedAt: null };

  test('with what was measured before, as one run', () => {
    expect(resumed(made, now, file)).toEqual({ ...made, finishedAt: null });
  });

  test.each([
    [
      'another machine',
      { machine: { ...made.machine, processor: 'Another CPU' } },
      /processor was .* and is Another CPU/,
    ],
    ['fewer cores', { machine: { ...made.machine, cores: 1 } }, /cores was \d+ and is 1/],
    [
      'another build',
      { machine: { ...made.machine, programs: { ...made.machine.programs, 'mhsm-pkcs11': '0.0.0' } } },
      /mhsm-pkcs11 was .* and is 0\.0\.0/,
    ],
    ['a program that is gone', { machine: { ...made.machine, programs: {} } }, /nginx was .* and is absent/],
    [
      'another mock',
      { machine: { ...made.machine, programs: { ...made.machine.programs, 'mock-hsm': 'build 1' } } },
      /mock-hsm was build 0123abcd and is build 1\./,
    ],
    [
      'another bench',
      { machine: { ...made.machine, programs: { ...made.machine.programs, bench: 'build 2' } } },
      /bench was build 4567cdef and is build 2\./,
    ],
    ['other points', { only: { workers: ['1', '4'] } }, /chosen workers was all and is 1 4\./],
    [
      'other repetitions',
      { repetition: { ...RULES.full, durationMs: 1, most: 9 } },
      /repetition durationMs was 2000 and is 1; repetition most was 6 and is 9\./,
    ],
    ['another form', { form: 'targets' as const }, /form was .* and is targets/],
    ['a real HSM', { hsm: 'real' as const }, /hsm was mock-hsm and is real/],
  ])('but not with %s', (_, change, said) => {
    expect(() => resumed(made, { ...now, ...change }, file)).toThrow(said);
  });
});
