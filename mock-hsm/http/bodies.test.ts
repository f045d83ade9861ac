import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { depthOf, readJson } from './bodies.ts';

const read = (text: string) => readJson(Buffer.from(text), 64);
const safeJson = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !/__proto__|constructor/.test(JSON.stringify(value)));

test('what is JSON in UTF-8 is read as it was written', () => {
  fc.assert(
    fc.property(safeJson, (value) => {
      const text = JSON.stringify(value);
      expect(read(text)).toEqual(JSON.parse(text));
    }),
  );
});

test('any bytes are read or refused with BadParameter', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' })), (bytes) => {
      try {
        readJson(Buffer.from(bytes as string), 64);
      } catch (error) {
        expect(error).toMatchObject({ status: 400, code: 'BadParameter' });
      }
    }),
  );
});

test('the depth is that of the value, whatever its strings hold', () => {
  const depth = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom('"', '[', '\\"{', ']', 'a'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('[', '"', 'b'), tie('value'), { maxKeys: 3 }),
    ),
  })).value;
  fc.assert(
    fc.property(json, (value) => {
      expect(depthOf(JSON.stringify(value))).toBe(depth(value));
    }),
  );
});

describe('refused is', () => {
  test.each([
    ['what is no JSON', '{"a":'],
    ['a prototype', '{"tags":{"__proto__":{"a":"b"}}}'],
    ['a prototype in escapes', '{"\\u005f_proto__":1}'],
    ['a constructor with a prototype', '{"constructor":{"prototype":{}}}'],
    ['half of a surrogate pair', '{"tags":{"a":"\\ud83d"}}'],
    ['half of a surrogate pair as a name', '{"\\uDE00":1}'],
    ['too deep nesting', `${'['.repeat(65)}${']'.repeat(65)}`],
  ])('%s', (_what, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ status: 400, code: 'BadParameter' }));
  });

  test('what is not UTF-8', () => {
    expect(() => readJson(Buffer.from([0x22, 0xff, 0x22]), 64)).toThrow('not UTF-8');
  });
});

test.each([
  ['a whole pair', '"\\ud83d\\ude00"', '😀'],
  ['text that looks like an escape', '"\\\\ud83d"', '\\ud83d'],
  ['nesting up to the limit', `${'['.repeat(64)}${']'.repeat(64)}`, expect.anything()],
])('%s is read', (_what, text, value) => {
  expect(read(text)).toEqual(value);
});
