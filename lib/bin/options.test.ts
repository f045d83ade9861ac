import { describe, expect, test } from 'vitest';
import { ofText } from '../tags/values.ts';
import { labelOption } from './options.ts';
import { UsageError } from './program.ts';

describe('--label of a new key', () => {
  test('is UTF-8, in any script', () => {
    expect(labelOption('schlüssel 🔑')).toEqual(ofText('schlüssel 🔑'));
  });

  test('that came as other bytes is refused, and not stored with a character nobody typed', () => {
    const fromShell = Buffer.from('6bfc79', 'hex').toString('utf8');
    expect(() => labelOption(fromShell)).toThrow(UsageError);
  });
});
