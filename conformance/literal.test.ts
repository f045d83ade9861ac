import { runInThisContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hex, literalOf, longBytes } from './literal.ts';

/** What the expression is in a program that imports the two functions. */
function evaluated(literal: string): unknown {
  const evaluate = runInThisContext(`(hex, longBytes) => (${literal})`) as (...given: unknown[]) => unknown;
  return evaluate(hex, longBytes);
}

/** Bytes alike, whatever class they have. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([name, item]) => [name, plain(item)]);
};

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true }),
  fc.boolean(),
  fc.constantFrom(null, undefined, 2 ** 64),
  fc.uint8Array(),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(fc.nat(), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
  ),
}));

test('an expression stands for the value that it was made of', () => {
  fc.assert(
    fc.property(value, (given) => {
      expect(plain(evaluated(literalOf(given)))).toEqual(plain(given));
    }),
    { examples: [[{ ['__proto__']: 'a field', 'not a name': "it's" }], [-0]] },
  );
});

test('long data is an expression of a few characters, and other bytes are their digits', () => {
  expect(literalOf(longBytes(600_000))).toBe('longBytes(600000)');
  expect(literalOf(Uint8Array.of(1, 255))).toBe("hex('01ff')");
});

test('a wording says other words for the values at a place', () => {
  const wording = (place: string) => (place === 'template.type' ? 'CKA' : undefined);
  expect(literalOf({ template: [{ type: 3, value: null }], type: 3 }, wording)).toBe(
    '{ template: [{ type: CKA, value: null }], type: 3 }',
  );
});
