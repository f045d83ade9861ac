import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HEADER_PATH, header, SOURCE_PATH, source } from './generate-c.ts';

test('the checked-in C codec is what the schema generates (node lib/wire/generate-c.ts)', () => {
  expect(readFileSync(HEADER_PATH, 'utf8')).toBe(header());
  expect(readFileSync(SOURCE_PATH, 'utf8')).toBe(source());
});
