import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { committedFolders } from './committed.ts';
import { madeUpResult } from './made-up-result.ts';
import { dataElement, dataOf } from './report/embedded-data.ts';
import { markdownOf } from './report/markdown.ts';
import { result as schema } from './result.ts';

const RENEW = 'write it anew: npm run bench -- --report';

test('a page gives back the result that it was made from', () => {
  const made = madeUpResult(['P-256']);
  expect(dataOf(`<p>before</p>\n${dataElement(made)}\n<p>after</p>`)).toEqual(made);
  expect(() => dataOf('<p>a page without one</p>')).toThrow(/no result/);
});

// Without a result in the repository there is nothing to hold.
describe.each(committedFolders().map((folder) => [basename(folder), folder]))(
  'the committed result %s',
  (name, folder) => {
    const text = readFileSync(join(folder, 'result.json'), 'utf8');
    const result = schema.parse(JSON.parse(text));

    test('fits the schema, is whole, and was measured on the day in its name', () => {
      expect(schema.strict().parse(JSON.parse(text))).toEqual(result);
      expect(result.finishedAt).not.toBeNull();
      expect(name.startsWith(result.startedAt.slice(0, 10))).toBe(true);
      expect(result.measurements.length).toBeGreaterThan(0);
    });

    test('has the table and the page that are made from it', () => {
      expect(readFileSync(join(folder, 'result.md'), 'utf8'), RENEW).toBe(markdownOf(result));
      expect(existsSync(join(folder, 'result.html'))).toBe(true);
      expect(dataOf(readFileSync(join(folder, 'result.html'), 'utf8')), RENEW).toEqual(result);
    });
  },
);
