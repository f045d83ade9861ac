/** The threat model says nothing that no test holds, and the tests of this folder hold nothing that it does not say. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const model = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');

const statements = [...model.matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map(([, id = '']) => id);
const rows = [...model.matchAll(/^\| ([A-Z]\d+) \| (\S+) \| (.+) \|$/gm)].map(([, id = '', file = '', name = '']) => ({
  id,
  file,
  name,
}));

/** Names of tests, as they are written: those of `test.each` with their %s. */
function testsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const names = source.matchAll(/\btest(?:\.\w+\(.*\))?\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)")/g);
  const each = source.matchAll(/\]\)\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"),|\b[A-Z]+\)\(\s*'([^']*)',/g);
  return [...names, ...each].map(([, single, double, table]) => single ?? double ?? table ?? '');
}

test('each statement has its test', () => {
  expect(statements.length).toBeGreaterThan(30);
  expect(new Set(statements).size).toBe(statements.length);
  expect(statements.filter((id) => !rows.some((row) => row.id === id))).toEqual([]);
});

test('each test of the table is there, for a statement that is there', () => {
  expect(rows.filter(({ id }) => !statements.includes(id))).toEqual([]);
  expect(rows.filter(({ file, name }) => !testsOf(file).includes(name))).toEqual([]);
});

test('each attack is one that a statement speaks of', () => {
  const attacks = globSync('security/*.test.ts', { cwd: ROOT }).filter((file) => !file.endsWith('statements.test.ts'));
  const unspoken = attacks.flatMap((file) =>
    testsOf(file).filter((name) => !rows.some((row) => row.file === file && row.name === name)),
  );
  expect(unspoken).toEqual([]);
});

test('who reports a hole is led to it', () => {
  expect(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')).toContain('(docs/security.md)');
});
