import { expect, test } from 'vitest';
import { deriveKey } from './domain-format.ts';

test('keys are derived as az derives them', () => {
  // Computed with the module sp800_108 of azure-cli.
  expect(deriveKey(Buffer.alloc(32, 0x41), 'label').toString('hex')).toBe(
    '9c41b4a9a405e391404337ffa1ec581d08ace0e44397c9c16c8bfa1e7f6f1dfdc31ecf9b7e3101f9d071c215fcea52cc2b6d771c539f29c6971eb13a5862605d',
  );
});

test('a label of its own gives a key of its own', () => {
  const masterKey = Buffer.alloc(32, 1);
  expect(deriveKey(masterKey, 'a')).not.toEqual(deriveKey(masterKey, 'b'));
});
