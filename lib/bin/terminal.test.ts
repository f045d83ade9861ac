import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from './terminal.ts';

describe('printable', () => {
  test.each([
    ['an escape sequence', 'red\u001b[31m', 'red\\x1b[31m'],
    ['a line end', 'a\nb', 'a\\x0ab'],
    ['a control of C1', 'a\u009bb', 'a\\x9bb'],
    ['an override of the direction', 'a\u202eb', 'a\\u{202e}b'],
  ])('%s is shown as an escape', (_what, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('whatever the text, a terminal gets one line without controls', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });

  test('letters of every script stay as they are', () => {
    expect(printable('Zürich 東京 Ω')).toBe('Zürich 東京 Ω');
  });
});
