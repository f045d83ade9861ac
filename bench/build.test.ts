import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildOf, MEASURED_WITH } from './build.ts';

const CHECKOUT = join(import.meta.dirname, '..');
let root: string;

function write(file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bench-build-'));
  write('bench/measure.ts', 'one');
  write('bench/plan/points.ts', 'two');
});
afterEach(() => rmSync(root, { recursive: true }));

const build = () => buildOf(root, MEASURED_WITH.bench);

describe('a build is another one', () => {
  test.each([
    ['when a source changes', () => write('bench/plan/points.ts', 'other')],
    ['when a source is new', () => write('bench/subjects/open.ts', '')],
    ['when a source is gone', () => rmSync(join(root, 'bench/measure.ts'))],
    ['when a program that loads is made anew', () => write('native/build/bench/signs', 'machine code')],
    ['when another undici is installed', () => write('node_modules/.package-lock.json', '{}')],
  ])('%s', (_, change) => {
    const before = build();
    expect(build()).toBe(before);
    change();
    expect(build()).not.toBe(before);
  });

  test('but not when a test or the report changes, which measure nothing', () => {
    const before = build();
    write('bench/measure.test.ts', 'three');
    write('bench/report/page.ts', 'four');
    expect(build()).toBe(before);
  });
});

test.each(Object.entries(MEASURED_WITH))('%s has sources here', (_, patterns) => {
  expect(buildOf(CHECKOUT, patterns)).toMatch(/^[0-9a-f]{8}$/);
  expect(buildOf(CHECKOUT, patterns)).not.toBe(buildOf(root, ['nothing']));
});
