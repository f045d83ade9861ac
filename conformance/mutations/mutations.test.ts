import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutations } from './all.ts';
import { applied } from './mutation.ts';

const textOf = (file: string) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');

describe('seeded bugs', () => {
  test.each(mutations)('$name fits the code in one place, and leaves TypeScript', (mutation) => {
    const text = textOf(mutation.file);
    const changed = applied(mutation, text);
    expect(changed).not.toBe(text);
    expect(stripTypeScriptTypes(changed)).not.toBe(stripTypeScriptTypes(text));
  });

  test('there are at least thirty, each under its own name, in core, tags and wire', () => {
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
    expect(mutations.length).toBeGreaterThanOrEqual(30);
    expect(new Set(mutations.map(({ file }) => file.split('/')[1]))).toEqual(new Set(['core', 'tags', 'wire']));
  });

  test('a row whose place is gone or not the only one is refused', () => {
    const row = { name: 'row', file: 'file.ts', search: 'a', replace: 'b', broken: '' };
    expect(() => applied(row, 'xyz')).toThrow('0 times');
    expect(() => applied(row, 'a a')).toThrow('2 times');
  });
});
