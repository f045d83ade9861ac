import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../demo/process.ts';
import { inCopy } from './mutations/trial.ts';

const suite = (folder: string, ...words: string[]) =>
  runProgram(process.execPath, [join(folder, 'conformance/run.ts'), ...words], { cwd: folder });

/** A subject that says why it refuses the wrong PIN, where this code is promised. */
const promising = (code: string) => ({
  name: code,
  file: 'conformance/promises/sessions.ts',
  search: "await client.gives(ck.CKR_PIN_INCORRECT, 'login', request);",
  replace: `process.stderr.write('the secret is wrong\\n'); await client.gives(ck.${code}, 'login', request);`,
  broken: '',
});

test.each([
  { run: 'holds', code: 'CKR_PIN_INCORRECT', status: 0, stderr: '' },
  { run: 'fails', code: 'CKR_OK', status: 1, stderr: 'the secret is wrong' },
])('what a subject says of a refusal: "$stderr", where the run $run', async ({ code, status, stderr }) => {
  const words = ['--subject', 'memory', '--promise', 'login-wrong-pin'];
  const finished = await inCopy(promising(code), (folder) => suite(folder, ...words));
  expect(finished.status).toBe(status);
  expect(new Set(finished.stderr.trimEnd().split('\n'))).toEqual(new Set([stderr]));
  expect(finished.stdout).not.toContain('the secret is wrong');
});

test('a word that the suite does not take is its complaint, and the exit status is 1', async () => {
  const { status, stderr } = await suite(join(import.meta.dirname, '..'), '--subject', 'nobody');
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody is no subject') });
});
