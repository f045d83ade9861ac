import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { madeUpResult } from './made-up-result.ts';
import { result } from './result.ts';
import { schemaText } from './result-schema.ts';

/** Paths of the properties below a schema that say nothing about themselves. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const {
    properties = {},
    items,
    anyOf = [],
  } = schema as {
    properties?: Record<string, { description?: string }>;
    items?: unknown;
    anyOf?: unknown[];
  };
  const own = Object.entries(properties).flatMap(([name, property]) => [
    ...(property.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(property, `${path}.${name}`),
  ]);
  return [...own, ...undescribed(items, `${path}[]`), ...anyOf.flatMap((choice) => undescribed(choice, path))];
}

test('bench/result.schema.json is what `npm run bench:schema` writes', () => {
  expect(readFileSync('bench/result.schema.json', 'utf8')).toBe(schemaText());
});

test('every field of a result is documented', () => {
  expect(undescribed(JSON.parse(schemaText()), 'result')).toEqual([]);
});

test('the made-up result is one', () => {
  const made = madeUpResult(['P-256']);
  expect(result.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
});
