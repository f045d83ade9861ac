/** The threat model says nothing that no test holds, and the tests of this folder hold nothing that it does not say. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FoundTest, testsOf } from './tests-of.ts';

const ROOT = join(import.meta.dirname, '..');
const model = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');

const statements = [...model.matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map(([, id = '']) => id);
const rows = [...model.matchAll(/^\| ([A-Z]\d+) \| (\S+) \| (.+) \|$/gm)].map(([, id = '', file = '', name = '']) => ({
  id,
  file,
  name,
}));

const files = new Map<string, FoundTest[]>();

function testsIn(file: string): FoundTest[] {
  const tests = files.get(file) ?? testsOf(readFileSync(join(ROOT, file), 'utf8'));
  files.set(file, tests);
  return tests;
}

/** What may skip the test of a statement, and how the model says that it is unproven then. */
const REASONS: Readonly<Record<string, string>> = {
  'skipIf(getuid?.() !== 0)': 'without root',
  'runIf(process.getuid?.() === 0)': 'without root',
  // The other of both variants runs.
  "skipIf(build.endsWith('asan'))": 'with the sanitizers',
  'context.skip(`${scene.folder} takes no set-user-id programs`)': 'where `/tmp` takes no set-user-id programs',
  "context.skip('this system writes no core files')": 'where the system writes no core files',
  "context.skip('this system gives cores to a program')": 'where the system writes no core files',
};

/** Each reason of the model, with the statements that it leaves unproven. */
const told = new Map(
  [...model.matchAll(/^- \*([^*]+)\*: (.+)\.$/gm)].map(([, reason = '', ids = '']) => [reason, ids.split(', ')]),
);

/** Each reason of the tests, with the same. */
function unproven(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, file, name } of rows) {
    for (const skip of testsIn(file).find((test) => test.name === name)?.skips ?? []) {
      const reason = REASONS[skip] ?? `no reason for ${skip} of "${name}"`;
      found.set(reason, [...new Set([...(found.get(reason) ?? []), id])]);
    }
  }
  return found;
}

test('each statement has its test', () => {
  expect(statements.length).toBeGreaterThan(30);
  expect(new Set(statements).size).toBe(statements.length);
  expect(statements.filter((id) => !rows.some((row) => row.id === id))).toEqual([]);
});

test('each test of the table is there, for a statement that is there', () => {
  expect(rows.filter(({ id }) => !statements.includes(id))).toEqual([]);
  expect(rows.filter(({ file, name }) => !testsIn(file).some((test) => test.name === name))).toEqual([]);
});

test('a test of the table is skipped for a reason alone that the model names, with the statements it leaves unproven', () => {
  expect(unproven()).toEqual(told);
});

test.each([
  ['test.skip("a", () => {});', 'skip'],
  ['test.todo("a");', 'todo'],
  ['describe.skip("of", () => { test("a", () => {}); });', 'skip'],
  ['describe.each(X)("of", () => { test.skipIf(no())("a", () => {}); });', 'skipIf(no())'],
  ['describe.runIf(no()).each(X)("of", () => { test.each(Y)("a", () => {}); });', 'runIf(no())'],
  ['test("a", async ({ skip }) => { skip("no"); });', 'skip("no")'],
  ['test("a", (context) => { if (no()) context.skip("no"); });', 'context.skip("no")'],
])('%s is seen to be skipped', (source, skip) => {
  expect(testsOf(source)).toEqual([{ name: 'a', skips: [skip] }]);
});

test('each attack is one that a statement speaks of', () => {
  const attacks = globSync('security/*.test.ts', { cwd: ROOT }).filter((file) => !file.endsWith('statements.test.ts'));
  const unspoken = attacks.flatMap((file) =>
    testsIn(file).filter(({ name }) => !rows.some((row) => row.file === file && row.name === name)),
  );
  expect(unspoken).toEqual([]);
});

test('who reports a hole is led to it', () => {
  expect(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')).toContain('(docs/security.md)');
});
