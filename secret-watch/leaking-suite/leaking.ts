// Not part of the suite: what search.test.ts runs to see that a leak fails a run.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { noteSecret } from '../evidence.ts';

test('passes, and one of its programs prints its PIN', async () => {
  const pin = process.env.MHSM_LEAKED_PIN ?? '';
  noteSecret('the leaking test', 'client-1:a leaked PIN');
  const { stdout } = await promisify(execFile)('printf', ['%s', pin]);
  expect(stdout).toBe(pin);
});
