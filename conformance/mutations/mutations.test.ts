import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../demo/process.ts';
import { mutations } from './all.ts';
import { applied } from './mutation.ts';

const ROOT = join(import.meta.dirname, '../..');
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('seeded bugs', () => {
  test.each(mutations)('$name fits the code in one place, and leaves TypeScript', (mutation) => {
    const text = textOf(mutation.file);
    const changed = applied(mutation, text);
    expect(changed).not.toBe(text);
    expect(stripTypeScriptTypes(changed)).not.toBe(stripTypeScriptTypes(text));
  });

  test('there are at least thirty, each under its own name, in core, tags, wire and the model', () => {
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
    expect(mutations.length).toBeGreaterThanOrEqual(30);
    expect(new Set(mutations.map(({ file }) => file.split('/')[1]))).toEqual(
      new Set(['core', 'tags', 'wire', 'model']),
    );
  });

  test('a row whose place is gone or not the only one is refused', () => {
    const row = { name: 'row', file: 'file.ts', search: 'a', replace: 'b', broken: '' };
    expect(() => applied(row, 'xyz')).toThrow('0 times');
    expect(() => applied(row, 'a a')).toThrow('2 times');
  });
});

describe('a run that is interrupted', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mutations-interrupted-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const copies = () => readdirSync(folder);
  const isCopied = () => copies().length > 0 || undefined;
  const isUnderWay = () => copies().some((copy) => existsSync(join(folder, copy, 'build/conformance'))) || undefined;

  test.each([
    { signal: 'SIGINT', status: 130, when: 'the sources are copied', moment: isCopied },
    { signal: 'SIGTERM', status: 143, when: 'the suite is at work', moment: isUnderWay },
  ] as const)('by $signal while $when leaves no copy of the sources', async ({ signal, status, moment }) => {
    const env = { ...process.env, TMPDIR: folder };
    const child = spawn(process.execPath, ['conformance/mutations/run.ts', '--runs', '100000'], { cwd: ROOT, env });
    const ended = once(child, 'close');
    await waitFor('the moment', moment);
    child.kill(signal);
    expect(await ended).toEqual([status, null]);
    expect(copies()).toEqual([]);
  });
});
